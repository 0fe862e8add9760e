//! Where the server is.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use http::Uri;
use thiserror::Error;

/// The text is not the address of an HTTP server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not an endpoint: expected http://HOST[:PORT] or https://HOST[:PORT]")]
pub struct EndpointError {
    pub text: String,
}

/// Scheme, host and port of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    is_tls: bool,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: u16,
    /// What the `Host` header says: the port is left out when it is the scheme's own.
    authority: String,
    /// Begins and ends with a slash.
    path: String,
}

impl Endpoint {
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.is_tls
    }

    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the server is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let invalid = || EndpointError { text: text.chars().take(256).collect() };
        let uri: Uri = text.trim_ascii().parse().map_err(|_| invalid())?;
        let (is_tls, port_default) = match uri.scheme_str() {
            Some("http") => (false, 80),
            Some("https") => (true, 443),
            _ => return Err(invalid()),
        };
        let given = uri.authority().ok_or_else(invalid)?;
        let bare = |host: &str| Some(host.strip_prefix('[')?.strip_suffix(']')?.to_owned());
        let host = bare(given.host()).unwrap_or_else(|| given.host().to_owned());
        if uri.query().is_some() || host.is_empty() || host.contains(['[', ']']) || given.as_str().contains('@') {
            return Err(invalid());
        }
        let is_address = !given.host().starts_with('[') || host.parse::<Ipv6Addr>().is_ok();
        if !is_address || !uri.path().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid());
        }
        let port = match given.as_str().strip_prefix(given.host()) {
            Some("") => port_default,
            _ => given.port_u16().filter(|port| *port != 0).ok_or_else(invalid)?,
        };
        let authority = if port == port_default { given.host().to_owned() } else { format!("{}:{port}", given.host()) };
        let path = format!("{}/", uri.path().trim_end_matches('/'));
        Ok(Self { is_tls, host, port, authority, path })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for (text, shown, host, port, is_loopback) in [
            ("http://127.0.0.1:4567", "http://127.0.0.1:4567", "127.0.0.1", 4567, true),
            ("http://localhost:4567/", "http://localhost:4567", "localhost", 4567, true),
            ("https://[::1]:4568", "https://[::1]:4568", "::1", 4568, true),
            (
                "https://kinesis.eu-west-1.amazonaws.com",
                "https://kinesis.eu-west-1.amazonaws.com",
                "kinesis.eu-west-1.amazonaws.com",
                443,
                false,
            ),
            ("https://example.org:443/kinesis/", "https://example.org/kinesis", "example.org", 443, false),
        ] {
            let endpoint: Endpoint = text.parse().expect("valid");
            assert_eq!(endpoint.to_string(), shown);
            assert_eq!((endpoint.host(), endpoint.port(), endpoint.is_loopback()), (host, port, is_loopback));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "127.0.0.1:4567",
            "ftp://x",
            "http://",
            "http://a:b",
            "http://a:99999",
            "http://a?x=1",
            "http://u@a",
            "http://8[::1]:4567",
            "http://[1000s]",
            "http://a/b\u{85}",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }
}
