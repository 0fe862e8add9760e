//! Which pages in browsers may use the API.
//!
//! AWS lets every page, because a page without the secret can do nothing. Without authentication that would hand a
//! developer's streams to whatever page is open in the browser, so only pages of this machine pass then.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// What a page's script may read of an answer.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date");
const ANY: HeaderValue = HeaderValue::from_static("*");
/// What a browser asks before a request, and where the answer stands.
const QUESTIONS: [(HeaderName, HeaderName); 2] = [
    (header::ACCESS_CONTROL_REQUEST_HEADERS, header::ACCESS_CONTROL_ALLOW_HEADERS),
    (header::ACCESS_CONTROL_REQUEST_METHOD, header::ACCESS_CONTROL_ALLOW_METHODS),
];

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// No page in a browser, or one of this server itself.
    None,
    /// A page that may.
    Allowed,
    Refused,
}

impl Origin {
    /// `authenticated` is whether requests must be signed.
    pub fn of(headers: &HeaderMap, authenticated: bool) -> Self {
        match headers.get(header::ORIGIN) {
            None => Self::None,
            Some(_) if authenticated => Self::Allowed,
            Some(origin) if origin.to_str().is_ok_and(is_local) => Self::Allowed,
            Some(_) => Self::Refused,
        }
    }

    /// Lets the page read the answer.
    pub fn allow(self, headers: &mut HeaderMap) {
        if self == Self::Allowed {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

/// Answers a browser that asks whether a page may send a request.
pub fn answer_preflight(asked: &HeaderMap, headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    for (question, answer) in QUESTIONS {
        if let Some(value) = asked.get(question) {
            headers.insert(answer, value.clone());
        }
    }
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("172800"));
}

/// Whether an origin is a page of this machine: `http://localhost:3000`, `https://127.0.0.1`.
fn is_local(origin: &str) -> bool {
    let Some((_, authority)) = origin.split_once("://") else { return false };
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_this_machine_are_told_apart() {
        for origin in ["http://localhost", "https://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:1"] {
            assert!(is_local(origin), "{origin}");
        }
        for origin in
            ["null", "", "http://example.com", "http://localhost.example.com", "http://10.0.0.1", "http://[::2]"]
        {
            assert!(!is_local(origin), "{origin}");
        }
    }

    #[test]
    fn a_signature_is_enough_for_any_page() {
        let mut headers = HeaderMap::new();
        assert_eq!(Origin::of(&headers, false), Origin::None);
        headers.insert(header::ORIGIN, HeaderValue::from_static("http://example.com"));
        assert_eq!(Origin::of(&headers, true), Origin::Allowed);
        assert_eq!(Origin::of(&headers, false), Origin::Refused);
    }
}
