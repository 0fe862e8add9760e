//! What a request claims about its signature, in the `Authorization` header or in its query.

use std::borrow::Cow;

use super::canonical::{Scope, SignedRequest, percent_decoded};
use super::date::AmzDate;
use super::error::AuthError;
use super::{ALGORITHM, EXPIRES_SECONDS_MAX, TERMINATOR};

/// A signature and everything it names. Nothing of it has been checked against a secret.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    pub access_key_id: Cow<'a, str>,
    pub scope: Scope<'a>,
    /// What ends the scope; `aws4_request` if the sender is right.
    pub terminator: Cow<'a, str>,
    /// Separated by semicolons, as signed.
    pub signed_headers: Cow<'a, str>,
    pub signature: Cow<'a, str>,
    pub time: AmzDate,
    /// Life from `time` on, when the request is presigned and says so.
    pub expires_seconds: Option<u64>,
    pub session_token: Option<Cow<'a, str>>,
    /// Where it was: in the query, or in the header.
    pub presigned: bool,
}

impl<'a> Claim<'a> {
    pub fn of(request: &SignedRequest<'a>) -> Result<Self, AuthError> {
        let header = request.headers.get(http::header::AUTHORIZATION);
        let query = QueryParts::of(request.query);
        match (header, query.algorithm.is_some()) {
            (Some(_), true) => Err(AuthError::HeaderAndQuery),
            (None, true) => from_query(query),
            (None, false) => Err(AuthError::MissingToken),
            (Some(value), false) => {
                let text = value.to_str().map_err(|_| AuthError::MissingToken)?.trim();
                if !text.starts_with("AWS4-") {
                    return Err(AuthError::MissingToken);
                }
                from_header(request, text)
            }
        }
    }
}

fn from_header<'a>(request: &SignedRequest<'a>, text: &'a str) -> Result<Claim<'a>, AuthError> {
    let (algorithm, rest) = text.split_once(' ').unwrap_or((text, ""));
    let (mut credential, mut signature, mut signed_headers) = (None, None, None);
    for part in rest.split([',', ' ']) {
        match part.split_once('=') {
            Some((_, "")) | None => {}
            Some(("Credential", value)) => credential = Some(value),
            Some(("Signature", value)) => signature = Some(value),
            Some(("SignedHeaders", value)) => signed_headers = Some(value),
            Some(_) => {}
        }
    }
    let headers: &'a http::HeaderMap = request.headers;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let date = ["x-amz-date", "date"].into_iter().filter_map(header).find(|date| !date.is_empty());
    let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
        (credential, signature, signed_headers, date)
    else {
        let mut missing = String::new();
        for (name, part) in [("Credential", credential), ("Signature", signature), ("SignedHeaders", signed_headers)] {
            if part.is_none() {
                missing.push_str(&format!("Authorization header requires '{name}' parameter. "));
            }
        }
        if date.is_none() {
            missing.push_str("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ");
        }
        return Err(AuthError::IncompleteHeader { missing, header: text.to_owned() });
    };
    require_algorithm(algorithm)?;
    let time = AmzDate::parse(date)
        .or_else(|| AmzDate::parse_http(date))
        .ok_or_else(|| AuthError::MalformedDate(date.to_owned()))?;
    let (access_key_id, scope, terminator) = split_credential(Cow::Borrowed(credential))?;
    Ok(Claim {
        access_key_id,
        scope,
        terminator,
        signed_headers: Cow::Borrowed(signed_headers),
        signature: Cow::Borrowed(signature),
        time,
        expires_seconds: None,
        session_token: header("x-amz-security-token").map(Cow::Borrowed),
        presigned: false,
    })
}

/// The parameters of a presigned request, decoded.
#[derive(Debug, Default)]
struct QueryParts<'a> {
    algorithm: Option<Cow<'a, str>>,
    credential: Option<Cow<'a, str>>,
    signature: Option<Cow<'a, str>>,
    signed_headers: Option<Cow<'a, str>>,
    date: Option<Cow<'a, str>>,
    expires: Option<Cow<'a, str>>,
    token: Option<Cow<'a, str>>,
}

impl<'a> QueryParts<'a> {
    fn of(query: &'a str) -> Self {
        let mut parts = Self::default();
        if query.is_empty() {
            return parts;
        }
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let part = match name {
                "X-Amz-Algorithm" => &mut parts.algorithm,
                "X-Amz-Credential" => &mut parts.credential,
                "X-Amz-Signature" => &mut parts.signature,
                "X-Amz-SignedHeaders" => &mut parts.signed_headers,
                "X-Amz-Date" => &mut parts.date,
                "X-Amz-Expires" => &mut parts.expires,
                "X-Amz-Security-Token" => &mut parts.token,
                _ => continue,
            };
            *part = Some(decoded(value));
        }
        parts
    }
}

/// What is not UTF-8 is changed on the way, so that no comparison with it succeeds.
fn decoded(value: &str) -> Cow<'_, str> {
    match percent_decoded(value) {
        Cow::Borrowed(_) => Cow::Borrowed(value),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn from_query<'a>(parts: QueryParts<'a>) -> Result<Claim<'a>, AuthError> {
    let mut missing = String::new();
    // One that is empty is as good as none.
    let mut require = |name: &str, part: Option<Cow<'a, str>>| {
        let part = part.unwrap_or_default();
        if part.is_empty() {
            missing.push_str(&format!("AWS query-string parameters must include '{name}'. "));
        }
        part
    };
    let algorithm = require("X-Amz-Algorithm", parts.algorithm);
    let credential = require("X-Amz-Credential", parts.credential);
    let signature = require("X-Amz-Signature", parts.signature);
    let signed_headers = require("X-Amz-SignedHeaders", parts.signed_headers);
    let date = require("X-Amz-Date", parts.date);
    if !missing.is_empty() {
        return Err(AuthError::IncompleteQuery { missing });
    }
    require_algorithm(&algorithm)?;
    let time = AmzDate::parse(&date).ok_or_else(|| AuthError::MalformedDate(date.clone().into_owned()))?;
    let expires_seconds = match parts.expires {
        None => None,
        Some(text) => {
            let seconds = text.parse().ok().filter(|s| (1..=EXPIRES_SECONDS_MAX).contains(s));
            Some(seconds.ok_or(AuthError::Expires)?)
        }
    };
    let (access_key_id, scope, terminator) = split_credential(credential)?;
    let session_token = parts.token;
    Ok(Claim {
        access_key_id,
        scope,
        terminator,
        signed_headers,
        signature,
        time,
        expires_seconds,
        session_token,
        presigned: true,
    })
}

fn require_algorithm(algorithm: &str) -> Result<(), AuthError> {
    if algorithm == ALGORITHM { Ok(()) } else { Err(AuthError::UnsupportedAlgorithm(algorithm.to_owned())) }
}

type Credential<'a> = (Cow<'a, str>, Scope<'a>, Cow<'a, str>);

/// `key/date/region/service/aws4_request`.
fn split_credential(credential: Cow<'_, str>) -> Result<Credential<'_>, AuthError> {
    fn parts(text: &str) -> Option<[&str; 5]> {
        let mut parts = text.split('/');
        let five = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
        parts.next().is_none().then_some(five)
    }
    let five = match &credential {
        Cow::Borrowed(text) => parts(text).map(|five| five.map(Cow::Borrowed)),
        Cow::Owned(text) => parts(text).map(|five| five.map(|part| Cow::Owned(part.to_owned()))),
    };
    match five {
        Some([key, date, region, service, terminator]) => Ok((key, Scope { date, region, service }, terminator)),
        None => Err(AuthError::MalformedCredential(credential.into_owned())),
    }
}

/// One sentence for each part of the scope that is wrong; empty when none is.
pub(super) fn scope_faults(claim: &Claim<'_>, region_is_valid: bool, services: &[&str]) -> String {
    let mut faults = String::new();
    if !region_is_valid {
        faults.push_str(&format!("Credential should be scoped to a valid region, not '{}'. ", claim.scope.region));
    }
    if !services.contains(&&*claim.scope.service) {
        let expected = services.first().unwrap_or(&"");
        faults.push_str(&format!("Credential should be scoped to correct service: '{expected}'. "));
    }
    if claim.terminator != TERMINATOR {
        faults.push_str(&format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}', not '{}'. ",
            claim.terminator
        ));
    }
    let day = claim.time.day();
    if claim.scope.date != day {
        faults.push_str(&format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{}' != '{day}', \
             from '{}'. ",
            claim.scope.date, claim.time
        ));
    }
    faults
}
