//! Why a request's sender is not believed, in AWS's words.

use thiserror::Error;

/// A request that is not authentic, or not provably so. `Display` is the text for the sender.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuthError {
    #[error("Missing Authentication Token")]
    MissingToken,
    #[error("Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.")]
    HeaderAndQuery,
    /// `missing` has a sentence for each part that is not there.
    #[error("{missing}Authorization={header}")]
    IncompleteHeader { missing: String, header: String },
    #[error("{missing}Re-examine the query-string parameters.")]
    IncompleteQuery { missing: String },
    #[error("Unsupported AWS 'algorithm': '{0}'.")]
    UnsupportedAlgorithm(String),
    #[error("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '{0}'.")]
    MalformedCredential(String),
    #[error("Date must be in ISO-8601 'basic format'. Got '{0}'.")]
    MalformedDate(String),
    #[error("X-Amz-Expires must be between 1 and 604800 seconds.")]
    Expires,
    /// The credential scope is for something else; one sentence for each part that is wrong.
    #[error("{0}")]
    Scope(String),
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    #[error("Signature expired: {signed} is now earlier than {bound} ({now} - {window})")]
    Expired { signed: String, bound: String, now: String, window: String },
    #[error("Signature not yet current: {signed} is still later than {bound} ({now} + {window})")]
    NotYetCurrent { signed: String, bound: String, now: String, window: String },
    #[error("'{0}' must be a 'SignedHeader' in the AWS Authorization.")]
    UnsignedHeader(&'static str),
    #[error("The value of 'x-amz-content-sha256' is not accepted here.")]
    PayloadHash,
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access \
         Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl AuthError {
    /// AWS's name for the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingToken => "MissingAuthenticationTokenException",
            Self::IncompleteHeader { .. }
            | Self::IncompleteQuery { .. }
            | Self::UnsupportedAlgorithm(_)
            | Self::MalformedCredential(_)
            | Self::MalformedDate(_) => "IncompleteSignatureException",
            Self::UnknownKey => "UnrecognizedClientException",
            Self::HeaderAndQuery
            | Self::Expires
            | Self::Scope(_)
            | Self::Expired { .. }
            | Self::NotYetCurrent { .. }
            | Self::UnsignedHeader(_)
            | Self::PayloadHash
            | Self::Mismatch => "InvalidSignatureException",
        }
    }

    /// The HTTP status in the query protocol; elsewhere it is 400.
    #[must_use]
    pub fn query_status(&self) -> u16 {
        if self.code() == "IncompleteSignatureException" { 400 } else { 403 }
    }

    /// The text in the query protocol.
    #[must_use]
    pub fn query_message(&self) -> String {
        if *self == Self::MissingToken {
            "Request is missing Authentication Token".to_owned()
        } else {
            self.to_string()
        }
    }
}
