//! Who sends a request: by its signature, or, when authentication is off, by what it says.

use std::sync::Arc;

use api::service::ServiceModel;
use base::caller::{Caller, CredentialSource};
use base::ids::Region;
use base::time::Timestamp;
use http::request::Parts;
use http::{Version, header};
use wire::sigv4::{AuthError, ExpectedService, SignedRequest, Verifier};

use crate::settings::Settings;

/// How senders are told apart.
pub enum Gate {
    /// Everybody may come in.
    Open,
    Signed {
        verifier: Box<Verifier>,
        credentials: Arc<dyn CredentialSource>,
    },
}

impl Gate {
    pub fn new(credentials: Option<Arc<dyn CredentialSource>>) -> Self {
        match credentials {
            None => Self::Open,
            Some(credentials) => Self::Signed { verifier: Box::default(), credentials },
        }
    }

    /// Whether requests must be signed.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Signed { .. })
    }

    pub fn caller(
        &self,
        head: &Parts,
        body: &[u8],
        service: &ServiceModel,
        now: Timestamp,
        settings: &Settings,
    ) -> Result<Caller, AuthError> {
        let mut caller = match self {
            Self::Open => unverified(head, settings),
            Self::Signed { verifier, credentials } => {
                let expected = ExpectedService { names: &[service.signing_name], unsigned_payload: false };
                verifier.verify(&signed_request(head, body), &**credentials, expected, now)?.into()
            }
        };
        if let Some(region) = &settings.region {
            caller.region = region.clone();
        }
        Ok(caller)
    }
}

fn signed_request<'a>(head: &'a Parts, body: &'a [u8]) -> SignedRequest<'a> {
    let authority = head.uri.authority().filter(|_| head.version == Version::HTTP_2);
    SignedRequest {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        authority: authority.map(http::uri::Authority::as_str),
        body,
    }
}

/// The key and the region of the signature's scope, as far as there is one; nothing of it is checked.
fn unverified(head: &Parts, settings: &Settings) -> Caller {
    let scope = claimed_scope(head).unwrap_or_default();
    let mut parts = scope.split('/');
    let access_key_id = parts.next().filter(|id| !id.is_empty()).map(str::to_owned);
    let region = parts.nth(1).and_then(|text| text.parse::<Region>().ok());
    Caller {
        account: settings.account.clone(),
        region: region.unwrap_or_else(|| settings.region_default.clone()),
        access_key_id,
    }
}

/// The service that the request says it is signed for.
pub fn claimed_service(head: &Parts) -> Option<String> {
    claimed_scope(head)?.split('/').nth(3).map(str::to_owned)
}

/// `<key id>/<date>/<region>/<service>/aws4_request`.
fn claimed_scope(head: &Parts) -> Option<String> {
    if let Some(value) = head.headers.get(header::AUTHORIZATION) {
        let (_, rest) = value.to_str().ok()?.split_once("Credential=")?;
        return rest.split([',', ' ']).next().map(str::to_owned);
    }
    let pairs = head.uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| *name == "X-Amz-Credential")?;
    Some(value.replace("%2F", "/").replace("%2f", "/"))
}

#[cfg(test)]
mod tests {
    use base::ids::AccountId;

    use super::*;
    use crate::settings::Limits;

    fn check(uri: &str, authorization: Option<&str>, region: &str, key: Option<&str>) {
        let settings = Settings {
            region: None,
            region_default: "us-east-1".parse().expect("a region"),
            account: AccountId::zero(),
            limits: Limits::default(),
        };
        let mut request = http::Request::post(uri);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let (head, ()) = request.body(()).expect("a request").into_parts();
        let caller = unverified(&head, &settings);
        assert_eq!((caller.region.as_str(), caller.access_key_id.as_deref()), (region, key));
    }

    #[test]
    fn without_authentication_the_scope_is_believed() {
        let header = "AWS4-HMAC-SHA256 Credential=AK/20260101/eu-west-1/kinesis/aws4_request, SignedHeaders=host";
        check("/", Some(header), "eu-west-1", Some("AK"));
        check("/?X-Amz-Credential=AK%2F20260101%2Feu-west-3%2Fkinesis%2Faws4_request", None, "eu-west-3", Some("AK"));
        check("/", None, "us-east-1", None);
        check("/", Some("Bearer x"), "us-east-1", None);
        check("/", Some("AWS4-HMAC-SHA256 Credential=AK/1/NOT A REGION/"), "us-east-1", Some("AK"));
    }
}
