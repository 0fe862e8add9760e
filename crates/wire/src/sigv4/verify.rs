//! Decides whether a request comes from the holder of an access key.

use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use base::caller::{Caller, Credential, CredentialSource};
use base::ids::{AccountId, Region};
use base::time::Timestamp;

use super::UNSIGNED_PAYLOAD;
use super::canonical::{SignedRequest, canonical_request, sha256, string_to_sign};
use super::date::AmzDate;
use super::error::AuthError;
use super::keys::SigningKeys;
use super::parse::{Claim, scope_faults};
use crate::hex;

/// Headers that change what a request means: signed, if they are there at all.
const SIGNED_IF_PRESENT: [(&str, &str); 3] =
    [("x-amz-target", "X-Amz-Target"), ("x-amz-date", "X-Amz-Date"), ("x-amz-security-token", "X-Amz-Security-Token")];

/// The service that a request must be signed for.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedService<'a> {
    /// Signing names, the usual one first.
    pub names: &'a [&'a str],
    /// Whether the body may go unsigned, as video streams do.
    pub unsigned_payload: bool,
}

/// Who signed a request, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub access_key_id: String,
    pub account: AccountId,
    pub region: Region,
    /// Signing name in the scope.
    pub service: String,
}

impl From<Identity> for Caller {
    fn from(identity: Identity) -> Self {
        Self { account: identity.account, region: identity.region, access_key_id: Some(identity.access_key_id) }
    }
}

/// Verifies signatures; shared by all requests of a server.
#[derive(Debug)]
pub struct Verifier {
    skew_max: Duration,
    keys: SigningKeys,
}

impl Verifier {
    /// How far AWS lets clocks be apart for services like Kinesis.
    pub const SKEW_DEFAULT: Duration = Duration::from_secs(300);

    /// `skew_max` is how far the sender's clock may be from the server's, in both directions.
    #[must_use]
    pub fn new(skew_max: Duration) -> Self {
        Self { skew_max, keys: SigningKeys::new() }
    }

    /// # Errors
    /// Why the request is not believed.
    pub fn verify(
        &self,
        request: &SignedRequest<'_>,
        credentials: &dyn CredentialSource,
        service: ExpectedService<'_>,
        now: Timestamp,
    ) -> Result<Identity, AuthError> {
        let claim = Claim::of(request)?;
        let region = Region::new(&*claim.scope.region).ok();
        let faults = scope_faults(&claim, region.is_some(), service.names);
        let region = match region {
            Some(region) if faults.is_empty() => region,
            _ => return Err(AuthError::Scope(faults)),
        };
        let credential = credentials.find(&claim.access_key_id).ok_or(AuthError::UnknownKey)?;
        require_token(&claim, &credential)?;
        self.require_current(&claim, now)?;
        require_signed_headers(&claim, request)?;
        let payload_hash = payload_hash(request, service.unsigned_payload)?;
        self.require_signature(&claim, &credential, request, &payload_hash)?;
        Ok(Identity {
            access_key_id: claim.access_key_id.into_owned(),
            account: credential.account,
            region,
            service: claim.scope.service.into_owned(),
        })
    }

    fn require_current(&self, claim: &Claim<'_>, now: Timestamp) -> Result<(), AuthError> {
        let signed = claim.time.timestamp();
        let life = claim.expires_seconds.map_or(self.skew_max, Duration::from_secs);
        let oldest = AmzDate::new(now.minus(life));
        if signed < oldest.timestamp() {
            return Err(AuthError::Expired {
                signed: claim.time.to_string(),
                bound: oldest.to_string(),
                now: AmzDate::new(now).to_string(),
                window: minutes(life),
            });
        }
        let newest = AmzDate::new(now.plus(self.skew_max));
        if signed > newest.timestamp() {
            return Err(AuthError::NotYetCurrent {
                signed: claim.time.to_string(),
                bound: newest.to_string(),
                now: AmzDate::new(now).to_string(),
                window: minutes(self.skew_max),
            });
        }
        Ok(())
    }

    fn require_signature(
        &self,
        claim: &Claim<'_>,
        credential: &Credential,
        request: &SignedRequest<'_>,
        payload_hash: &str,
    ) -> Result<(), AuthError> {
        let signature = hex::decode(claim.signature.as_bytes()).ok_or(AuthError::Mismatch)?;
        let canonical = canonical_request(request, &claim.signed_headers, payload_hash);
        let string = string_to_sign(&claim.time.to_string(), &claim.scope, &canonical);
        self.keys
            .with(&claim.access_key_id, &credential.secret_access_key, &claim.scope, |key| {
                hmac::verify(key, &string, &signature)
            })
            .map_err(|_| AuthError::Mismatch)
    }
}

impl Default for Verifier {
    fn default() -> Self {
        Self::new(Self::SKEW_DEFAULT)
    }
}

/// AWS words every window in minutes; one that is not whole keeps two digits.
fn minutes(window: Duration) -> String {
    let text = format!("{:.2}", window.as_secs_f64() / 60.0);
    format!("{} min.", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A temporary key goes with its token, a permanent one with none.
fn require_token(claim: &Claim<'_>, credential: &Credential) -> Result<(), AuthError> {
    match (&claim.session_token, &credential.session_token) {
        (None, None) => Ok(()),
        (Some(given), Some(wanted))
            if constant_time::verify_slices_are_equal(given.as_bytes(), wanted.as_bytes()).is_ok() =>
        {
            Ok(())
        }
        _ => Err(AuthError::UnknownKey),
    }
}

fn require_signed_headers(claim: &Claim<'_>, request: &SignedRequest<'_>) -> Result<(), AuthError> {
    let is_signed = |name: &str| claim.signed_headers.split(';').any(|signed| signed == name);
    if !is_signed("host") && !is_signed(":authority") {
        return Err(AuthError::UnsignedHeader("Host' or ':authority"));
    }
    for (name, label) in SIGNED_IF_PRESENT {
        // A presigned request has its date and token in the query; headers of these names mean nothing to it.
        let matters = !claim.presigned || name == "x-amz-target";
        if matters && request.headers.contains_key(name) && !is_signed(name) {
            return Err(AuthError::UnsignedHeader(label));
        }
    }
    // Every signer sorts the list. Taking no other also keeps a header from being named, and hashed, many times.
    if !claim.signed_headers.split(';').is_sorted_by(|a, b| a < b) {
        return Err(AuthError::Mismatch);
    }
    Ok(())
}

/// The text that stands for the body in the canonical request. A digest that the sender gives must be the body's.
fn payload_hash(request: &SignedRequest<'_>, unsigned_allowed: bool) -> Result<String, AuthError> {
    let given = request.header("x-amz-content-sha256");
    if given == Some(UNSIGNED_PAYLOAD) {
        return if unsigned_allowed { Ok(UNSIGNED_PAYLOAD.to_owned()) } else { Err(AuthError::PayloadHash) };
    }
    if request.headers.contains_key("x-amz-content-sha256") && given.and_then(|g| hex::decode(g.as_bytes())).is_none() {
        return Err(AuthError::PayloadHash);
    }
    let digest = hex::encode(sha256(request.body).as_ref());
    let actual = std::str::from_utf8(&digest).expect("hexadecimal digits are ASCII");
    match given {
        Some(given) if given != actual => Err(AuthError::Mismatch),
        _ => Ok(actual.to_owned()),
    }
}
