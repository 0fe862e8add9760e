//! The head and body of a request as text: `METHOD target`, then header lines, an empty line, the body.

use base::caller::{Credential, CredentialSource};
use base::ids::AccountId;
use http::{HeaderMap, HeaderName, HeaderValue};
use wire::sigv4::{ExpectedService, SignedRequest, SigningCredentials};

pub const KINESIS: ExpectedService<'_> = ExpectedService { names: &["kinesis"], unsigned_payload: false };
pub const CREDENTIALS: SigningCredentials<'_> = SigningCredentials {
    access_key_id: "AKIDEXAMPLE",
    secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    session_token: None,
};

/// Knows the key of [`CREDENTIALS`], and one with a session token.
pub struct Keys;

impl CredentialSource for Keys {
    fn find(&self, access_key_id: &str) -> Option<Credential> {
        let session_token = match access_key_id {
            "AKIDEXAMPLE" => None,
            "ASIAEXAMPLE" => Some("TOK/EN+=".to_owned()),
            _ => return None,
        };
        let secret_access_key = CREDENTIALS.secret_access_key.to_owned();
        Some(Credential { secret_access_key, account: AccountId::zero(), session_token })
    }
}

/// A request that owns its parts.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub authority: Option<String>,
    pub body: Vec<u8>,
}

impl Request {
    /// `None` when the text is not a request that HTTP could carry.
    #[must_use]
    pub fn parse(input: &[u8]) -> Option<Self> {
        let (line, mut rest) = split(input, b"\n")?;
        let (method, target) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        let target: http::Uri = target.parse().ok()?;
        let method = http::Method::from_bytes(method.as_bytes()).ok()?;
        let mut request = Self {
            method: method.to_string(),
            path: target.path().to_owned(),
            query: target.query().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        loop {
            let (line, after) = split(rest, b"\n").unwrap_or((rest, b""));
            rest = after;
            if line.is_empty() {
                request.body = rest.to_vec();
                return Some(request);
            }
            if let Some(authority) = line.strip_prefix(b":authority:") {
                let authority: http::uri::Authority = std::str::from_utf8(authority).ok()?.parse().ok()?;
                request.authority = Some(authority.to_string());
                continue;
            }
            let (name, value) = split(line, b":")?;
            let name = HeaderName::from_bytes(name).ok()?;
            request.headers.try_append(name, HeaderValue::from_bytes(value).ok()?).ok()?;
        }
    }

    #[must_use]
    pub fn signed(&self) -> SignedRequest<'_> {
        SignedRequest {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &self.headers,
            authority: self.authority.as_deref(),
            body: &self.body,
        }
    }
}

fn split<'a>(text: &'a [u8], at: &[u8; 1]) -> Option<(&'a [u8], &'a [u8])> {
    let index = text.iter().position(|byte| *byte == at[0])?;
    Some((&text[..index], &text[index + 1..]))
}
