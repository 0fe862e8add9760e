//! Why a call failed, and what it becomes for callers of the API.

use base::codec::{Decode, DecodeError, Reader};
use base::violations::Violations;
use bytes::Bytes;
use http::HeaderMap;
use thiserror::Error;
use wire::Protocol;

/// Text of an unreadable answer that an error repeats at most.
const ECHO_CHARACTERS_MAX: usize = 200;

/// No usable answer came from the server, or it was none of the API's errors.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ClientError {
    #[error("cannot connect to {endpoint}: {reason}")]
    Connect { endpoint: String, reason: String },
    #[error("connection to {endpoint} failed: {reason}")]
    Connection { endpoint: String, reason: String },
    #[error("no answer from {endpoint} within {seconds} s")]
    Timeout { endpoint: String, seconds: u64 },
    #[error("the answer is larger than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    #[error("TLS: {0}")]
    Tls(String),
    #[error("the request cannot be signed: {0}")]
    Sign(String),
    /// The server answered with an error.
    #[error("{code}: {message}")]
    Service { status: u16, code: String, message: String },
}

/// Whether and how to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retry {
    Never,
    /// The server or the way to it failed.
    Transient,
    /// The server asks for less.
    Throttled,
    /// The key or the signature was too old: a new one may do, once.
    Expired,
}

const THROTTLES: [&str; 6] = [
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
    "ThrottlingException",
    "Throttling",
    "RequestLimitExceeded",
    "TooManyRequestsException",
];

const EXPIRIES: [&str; 3] = ["ExpiredToken", "ExpiredTokenException", "RequestExpired"];

/// Whether an error asks for less.
pub(crate) fn is_throttle(code: &str) -> bool {
    THROTTLES.contains(&code)
}

impl ClientError {
    pub(crate) fn retry(&self) -> Retry {
        match self {
            Self::Connect { .. } | Self::Connection { .. } | Self::Timeout { .. } => Retry::Transient,
            Self::TooLarge { .. } | Self::Unreadable(_) | Self::Tls(_) | Self::Sign(_) => Retry::Never,
            Self::Service { code, .. } if is_throttle(code) => Retry::Throttled,
            Self::Service { status: 500 | 502 | 503 | 504, .. } => Retry::Transient,
            Self::Service { code, .. } if code == "RequestTimeout" => Retry::Transient,
            Self::Service { code, .. } if EXPIRIES.contains(&&**code) => Retry::Expired,
            Self::Service { .. } => Retry::Never,
        }
    }

    /// Reads the answer to a failed request.
    pub(crate) fn from_reply(protocol: Protocol, status: u16, headers: &HeaderMap, body: &Bytes) -> Self {
        let read: ErrorReply = protocol.decode(body.clone(), &mut Violations::new()).unwrap_or_default();
        let header = || headers.get("x-amzn-errortype").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let Some(code) = read.code.or_else(header) else {
            let text: String = String::from_utf8_lossy(body).chars().take(ECHO_CHARACTERS_MAX).collect();
            return Self::Service { status, code: format!("HTTP status {status}"), message: text.trim().to_owned() };
        };
        // `com.amazon.coral.service#Name` and `Name:http://…` both mean `Name`.
        let code = code.split(':').next().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default().to_owned();
        Self::Service { status, code, message: read.message.unwrap_or_default() }
    }

    /// The error of a service's model that `from_code` makes of code and message, else the whole text.
    pub(crate) fn named<E>(self, from_code: impl FnOnce(&str, &str) -> Option<E>) -> Result<E, String> {
        let named = match &self {
            // Kinesis names this one without its ending when it comes from the front door.
            Self::Service { code, message, .. } if code == "InternalFailure" => {
                from_code("InternalFailureException", message)
            }
            Self::Service { code, message, .. } => from_code(code, message),
            _ => None,
        };
        named.ok_or_else(|| self.to_string())
    }
}

/// The body of an error.
#[derive(Debug, Default)]
pub(crate) struct ErrorReply {
    pub code: Option<String>,
    pub message: Option<String>,
}

impl Decode for ErrorReply {
    fn decode(reader: &mut dyn Reader, _: &mut Violations) -> Result<Self, DecodeError> {
        let mut reply = Self::default();
        reader.begin_struct()?;
        while let Some(field) = reader.next_field(&["__type", "message", "Message"])? {
            let text = reader.string()?.to_string();
            match field {
                0 => reply.code = Some(text),
                _ => reply.message = Some(text),
            }
        }
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use api::dynamodb::DynamoDBError;
    use api::kinesis::KinesisError;

    use super::*;

    fn read<E: From<ClientError>>(status: u16, body: &'static str) -> E {
        ClientError::from_reply(Protocol::Json11, status, &HeaderMap::new(), &Bytes::from_static(body.as_bytes()))
            .into()
    }

    #[test]
    fn bodies_become_errors_of_the_model() {
        assert_eq!(
            read::<KinesisError>(400, r#"{"__type":"ResourceNotFoundException","message":"no s"}"#),
            KinesisError::resource_not_found("no s")
        );
        assert_eq!(
            read::<KinesisError>(400, r#"{"__type":"com.amazon.coral.validate#ValidationException:x","Message":"m"}"#),
            KinesisError::validation("m")
        );
        assert_eq!(
            read::<DynamoDBError>(
                400,
                r#"{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"m"}"#
            ),
            DynamoDBError::conditional_check_failed("m")
        );
    }

    #[test]
    fn what_the_model_does_not_name_keeps_its_text() {
        assert_eq!(
            read::<KinesisError>(400, r#"{"__type":"InvalidSignatureException","message":"expired"}"#),
            KinesisError::internal_failure("InvalidSignatureException: expired")
        );
        assert_eq!(
            read::<KinesisError>(502, "<html>bad</html>\n"),
            KinesisError::internal_failure("HTTP status 502: <html>bad</html>")
        );
    }

    #[test]
    fn retries_follow_the_kind() {
        let service = |status, code: &str| ClientError::Service { status, code: code.into(), message: String::new() };
        assert_eq!(service(400, "ProvisionedThroughputExceededException").retry(), Retry::Throttled);
        assert_eq!(service(503, "ServiceUnavailable").retry(), Retry::Transient);
        assert_eq!(service(400, "ExpiredTokenException").retry(), Retry::Expired);
        assert_eq!(service(400, "ResourceInUseException").retry(), Retry::Never);
    }
}
