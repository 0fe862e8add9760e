//! Ports: what the node hands in.

use api::cloudwatch::StandardUnit;
use base::{BoxFuture, Bytes};

use crate::metric::{MetricName, Scope};

/// Values of one metric of the server itself, added up over the time since the last call.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub scope: Scope,
    pub metric: MetricName,
    pub unit: StandardUnit,
    pub count: f64,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
}

/// The server's own metrics, such as those of `AWS/Kinesis`.
pub trait OwnMetrics: Send + Sync {
    /// What has happened since the last call; called once a minute.
    fn collect(&self) -> Vec<Sample>;
}

/// Whoever can send an HTTP request. Need not limit how long it takes: the caller does.
pub trait Webhook: Send + Sync {
    /// Posts a JSON body to an `http://` or `https://` URL; answers the status, or why there is none.
    fn post<'a>(&'a self, url: &'a str, body: Bytes) -> BoxFuture<'a, Result<u16, String>>;
}
