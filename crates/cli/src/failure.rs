//! What goes wrong, in one line that says what to do next.

use std::fmt::Display;
use std::process::ExitCode;

use api::ModeledError as _;
use api::kinesis::KinesisError;
use client::Endpoint;

use crate::output;

pub const SUCCESS: ExitCode = ExitCode::SUCCESS;
pub const FAILED: u8 = 1;
pub const USAGE: u8 = 2;
/// What shells expect of a command that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: FAILED }
    }

    /// The command line asks for what cannot be.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: USAGE }
    }

    /// Doing `what` failed at the operating system.
    #[must_use]
    pub fn io(what: impl Display, error: &std::io::Error) -> Self {
        Self::new(format!("{what}: {error}"))
    }

    /// Says more.
    #[must_use]
    pub fn and(mut self, more: &str) -> Self {
        self.message = format!("{}; {more}", self.message);
        self
    }

    pub fn report(&self) -> ExitCode {
        // One line, whatever the server wrote into its message.
        let line: String = self.message.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        output::say(&format!("anabranch: {}", line.trim_end()));
        ExitCode::from(self.code)
    }

    #[cfg(test)]
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// Words an error of the API, with a hint where there is something to do.
#[must_use]
pub fn explain(error: &KinesisError, endpoint: &Endpoint, is_anonymous: bool) -> Failure {
    let text = words(error);
    Failure::new(match hint(error, error.message().unwrap_or_default(), endpoint, is_anonymous) {
        Some(hint) => format!("{}; {hint}", text.trim_end_matches('.')),
        None => text,
    })
}

/// An error of the API, with its name if the model has it.
#[must_use]
pub fn words(error: &KinesisError) -> String {
    let message = error.message().unwrap_or_default();
    match error {
        // The text of what is no error of the API says what it is.
        KinesisError::InternalFailureException(_) if !message.is_empty() => message.to_owned(),
        _ if message.is_empty() => error.code().to_owned(),
        _ => format!("{}: {message}", error.code()),
    }
}

/// What to do about a connection on which one side speaks TLS and is not understood, by the words of the TLS and HTTP
/// libraries.
fn tls_hint(message: &str) -> Option<&'static str> {
    if message.contains("invalid peer certificate") {
        Some("name the certificate authority to trust with --ca")
    } else if message.contains("InvalidContentType") {
        Some("there seems to be no TLS at this address: try http://")
    } else if message.contains("invalid HTTP version") {
        Some("there seems to be TLS at this address: try https://")
    } else {
        None
    }
}

fn hint(error: &KinesisError, message: &str, endpoint: &Endpoint, is_anonymous: bool) -> Option<&'static str> {
    let starts = |names: &[&str]| names.iter().any(|name| message.starts_with(name));
    let tls = tls_hint(message);
    match error {
        KinesisError::InternalFailureException(_) if tls.is_some() => tls,
        KinesisError::InternalFailureException(_) if message.starts_with("cannot connect to") => {
            Some(if endpoint.is_loopback() {
                "start a server with `anabranch serve`, or name one with --endpoint"
            } else {
                "check --endpoint (or AWS_ENDPOINT_URL_KINESIS) and the network"
            })
        }
        KinesisError::InternalFailureException(_) | KinesisError::AccessDeniedException(_) => {
            let is_refused = starts(&[
                "UnrecognizedClientException",
                "InvalidSignatureException",
                "MissingAuthenticationToken",
                "IncompleteSignature",
                "InvalidClientTokenId",
            ]);
            if is_refused && is_anonymous {
                Some(
                    "no access key is set: paste the export lines that `anabranch serve` printed, or make a key \
                     with `anabranch keys create`",
                )
            } else if is_refused {
                Some("check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY or --profile, and this machine's clock")
            } else {
                None
            }
        }
        KinesisError::ResourceNotFoundException(_) if message.starts_with("Stream ") => {
            Some("`anabranch stream list` shows the streams of this region and account")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do_next() {
        let local: Endpoint = "http://127.0.0.1:4567".parse().expect("valid");
        let check = |error: &KinesisError, is_anonymous, expected: &str| {
            assert_eq!(explain(error, &local, is_anonymous).message(), expected);
        };
        check(
            &KinesisError::internal_failure("cannot connect to http://127.0.0.1:4567: refused"),
            true,
            "cannot connect to http://127.0.0.1:4567: refused; start a server with `anabranch serve`, or name one \
             with --endpoint",
        );
        check(
            &KinesisError::internal_failure("UnrecognizedClientException: no such key."),
            true,
            "UnrecognizedClientException: no such key; no access key is set: paste the export lines that `anabranch \
             serve` printed, or make a key with `anabranch keys create`",
        );
        check(&KinesisError::limit_exceeded("too many"), false, "LimitExceededException: too many");
    }
}
