//! Posts what alarms have to tell.

use base::{BoxFuture, Bytes};
use monitor::Webhook;

/// Over HTTP, each post on a connection of its own.
pub struct Hooks;

impl Webhook for Hooks {
    fn post<'a>(&'a self, url: &'a str, body: Bytes) -> BoxFuture<'a, Result<u16, String>> {
        Box::pin(async move { client::post_json(url, body).await.map_err(|error| error.to_string()) })
    }
}
