//! Signs requests, for clients.

use std::borrow::Cow;
use std::time::Duration;

use aws_lc_rs::hmac;
use base::time::Timestamp;
use http::{HeaderMap, HeaderValue, header};
use thiserror::Error;

use super::canonical::{Scope, SignedRequest, canonical_request, push_encoded, sha256, string_to_sign};
use super::date::AmzDate;
use super::keys::SigningKeys;
use super::{ALGORITHM, EXPIRES_SECONDS_MAX};
use crate::hex;

/// Headers that change on the way or are added by the connection, and so are not signed.
const UNSIGNED: [&str; 6] =
    ["authorization", "connection", "expect", "transfer-encoding", "user-agent", "x-amzn-trace-id"];

/// Whose signature to make.
#[derive(Debug, Clone, Copy)]
pub struct SigningCredentials<'a> {
    pub access_key_id: &'a str,
    pub secret_access_key: &'a str,
    /// Goes with temporary keys.
    pub session_token: Option<&'a str>,
}

/// A request cannot be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SignError {
    #[error("the access key id or session token cannot stand in a header")]
    Credentials,
    #[error("a presigned request lives between 1 and 604800 seconds")]
    Expires,
}

/// A request that is about to be sent; its headers are signed and extended in place.
#[derive(Debug)]
pub struct ToSign<'a> {
    pub method: &'a str,
    /// As on the wire.
    pub path: &'a str,
    /// As on the wire; empty when there is none.
    pub query: &'a str,
    /// Must hold `host` and all that the request will carry.
    pub headers: &'a mut HeaderMap,
    pub body: &'a [u8],
}

/// What to presign: a request without a body whose only signed header is its host.
#[derive(Debug, Clone, Copy)]
pub struct Presign<'a> {
    pub method: &'a str,
    /// With its port when that is not the scheme's own.
    pub host: &'a str,
    /// As on the wire.
    pub path: &'a str,
    /// As on the wire, without what signing adds; may be empty.
    pub query: &'a str,
    /// Between 1 and 604,800 seconds.
    pub life: Duration,
}

/// Signs requests for one region and service, and remembers the day's key.
#[derive(Debug)]
pub struct Signer {
    region: String,
    service: String,
    keys: SigningKeys,
}

impl Signer {
    #[must_use]
    pub fn new(region: impl Into<String>, service: impl Into<String>) -> Self {
        Self { region: region.into(), service: service.into(), keys: SigningKeys::new() }
    }

    /// Adds `x-amz-date`, `x-amz-security-token` and `authorization` to the headers. Signs every header but those
    /// that change on the way.
    ///
    /// # Errors
    /// When the key id or the session token has characters that no header can carry.
    pub fn sign(
        &self,
        request: ToSign<'_>,
        credentials: SigningCredentials<'_>,
        now: Timestamp,
    ) -> Result<(), SignError> {
        let ToSign { method, path, query, headers, body } = request;
        let time = AmzDate::new(now);
        headers.insert("x-amz-date", HeaderValue::try_from(time.to_string()).expect("a date is ASCII"));
        if let Some(token) = credentials.session_token {
            headers.insert("x-amz-security-token", HeaderValue::from_str(token).map_err(|_| SignError::Credentials)?);
        }
        let mut names: Vec<&str> =
            headers.keys().map(header::HeaderName::as_str).filter(|name| !UNSIGNED.contains(name)).collect();
        names.sort_unstable();
        let signed_headers = names.join(";");
        let payload = match headers.get("x-amz-content-sha256").and_then(|value| value.to_str().ok()) {
            Some(given) => given.to_owned(),
            None => hex_text(sha256(body).as_ref()),
        };
        let request = SignedRequest { method, path, query, headers, authority: None, body };
        let scope = self.scope(time);
        let signature = self.signature(&request, &signed_headers, &payload, time, &scope, credentials);
        let authorization = format!(
            "{ALGORITHM} Credential={}/{}, SignedHeaders={signed_headers}, Signature={signature}",
            credentials.access_key_id,
            scope.to_text(),
        );
        let value = HeaderValue::try_from(authorization).map_err(|_| SignError::Credentials)?;
        headers.insert(header::AUTHORIZATION, value);
        Ok(())
    }

    /// The query of a presigned request: what it had, and the signature.
    ///
    /// # Errors
    /// When the life is out of range.
    pub fn presign(
        &self,
        what: &Presign<'_>,
        credentials: SigningCredentials<'_>,
        now: Timestamp,
    ) -> Result<String, SignError> {
        if !(1..=EXPIRES_SECONDS_MAX).contains(&what.life.as_secs()) {
            return Err(SignError::Expires);
        }
        let time = AmzDate::new(now);
        let scope = self.scope(time);
        let mut query = what.query.as_bytes().to_vec();
        let mut add = |name: &str, value: &str| {
            if !query.is_empty() {
                query.push(b'&');
            }
            query.extend_from_slice(name.as_bytes());
            query.push(b'=');
            push_encoded(&mut query, value.as_bytes());
        };
        add("X-Amz-Algorithm", ALGORITHM);
        add("X-Amz-Credential", &format!("{}/{}", credentials.access_key_id, scope.to_text()));
        add("X-Amz-Date", &time.to_string());
        add("X-Amz-Expires", &what.life.as_secs().to_string());
        add("X-Amz-SignedHeaders", "host");
        if let Some(token) = credentials.session_token {
            add("X-Amz-Security-Token", token);
        }
        let query = String::from_utf8(query).expect("encoded parameters are ASCII, and the query was text");
        let headers = HeaderMap::new();
        let request = SignedRequest {
            method: what.method,
            path: what.path,
            query: &query,
            headers: &headers,
            authority: Some(what.host),
            body: b"",
        };
        let payload = hex_text(sha256(b"").as_ref());
        let signature = self.signature(&request, "host", &payload, time, &scope, credentials);
        Ok(format!("{query}&X-Amz-Signature={signature}"))
    }

    fn scope(&self, time: AmzDate) -> Scope<'_> {
        Scope {
            date: Cow::Owned(time.day()),
            region: Cow::Borrowed(&self.region),
            service: Cow::Borrowed(&self.service),
        }
    }

    fn signature(
        &self,
        request: &SignedRequest<'_>,
        signed_headers: &str,
        payload: &str,
        time: AmzDate,
        scope: &Scope<'_>,
        credentials: SigningCredentials<'_>,
    ) -> String {
        let canonical = canonical_request(request, signed_headers, payload);
        let string = string_to_sign(&time.to_string(), scope, &canonical);
        let sign = |key: &hmac::Key| hex_text(hmac::sign(key, &string).as_ref());
        self.keys.with(credentials.access_key_id, credentials.secret_access_key, scope, sign)
    }
}

fn hex_text(digest: &[u8]) -> String {
    String::from_utf8(hex::encode(digest).to_vec()).expect("hexadecimal digits are ASCII")
}
