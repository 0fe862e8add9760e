//! Errors on demand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use api::service::OperationModel;
use serde_json::{Value, json};

use crate::random;

/// Rules at one time.
const FAULTS_MAX: usize = 100;
const MESSAGE: &str = "This error was injected by the control API.";
/// Errors that can be injected, with their status.
const ERRORS: [(&str, u16); 12] = [
    ("ProvisionedThroughputExceededException", 400),
    ("LimitExceededException", 400),
    ("ThrottlingException", 400),
    ("KMSThrottlingException", 400),
    ("ResourceInUseException", 400),
    ("ResourceNotFoundException", 400),
    ("ExpiredIteratorException", 400),
    ("ExpiredTokenException", 400),
    ("AccessDeniedException", 400),
    ("InternalFailure", 500),
    ("InternalFailureException", 500),
    ("ServiceUnavailable", 503),
];

/// Answers some requests with an error.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// Name of an operation, or `*`.
    pub operation: String,
    error: &'static str,
    status: u16,
    /// Share of the requests, 0 to 1.
    pub rate: f64,
}

impl Fault {
    /// From `{"operation": "PutRecords", "error": "InternalFailure", "rate": 0.1}`; without an operation it is
    /// for all, without a rate for every request.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(body).map_err(|e| format!("the body is not JSON: {e}"))?;
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let operation = text("operation").unwrap_or("*");
        if operation != "*" && (operation.is_empty() || !operation.bytes().all(|b| b.is_ascii_alphanumeric())) {
            return Err("operation must be the name of an operation, or *".to_owned());
        }
        let names = || ERRORS.map(|(name, _)| name).join(", ");
        let (error, status) = text("error")
            .and_then(|wanted| ERRORS.into_iter().find(|(name, _)| *name == wanted))
            .ok_or_else(|| format!("error must be one of {}", names()))?;
        let rate = value.get("rate").map_or(Some(1.0), Value::as_f64).filter(|rate| (0.0..=1.0).contains(rate));
        let rate = rate.ok_or("rate must be between 0 and 1")?;
        Ok(Self { operation: operation.chars().take(128).collect(), error, status, rate })
    }
}

/// The rules in force.
#[derive(Debug, Default)]
pub struct Faults {
    rules: RwLock<Vec<Fault>>,
    any: AtomicBool,
}

impl Faults {
    /// A rule takes the place of one for the same operation and error.
    pub fn put(&self, fault: Fault) -> Result<(), String> {
        let mut rules = self.rules.write().unwrap_or_else(PoisonError::into_inner);
        rules.retain(|rule| (&rule.operation, rule.error) != (&fault.operation, fault.error));
        if rules.len() == FAULTS_MAX {
            return Err(format!("there are {FAULTS_MAX} faults already"));
        }
        rules.push(fault);
        self.any.store(true, Ordering::Release);
        Ok(())
    }

    pub fn clear(&self) {
        self.any.store(false, Ordering::Release);
        self.rules.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Throws the dice for one request: status, name and text of the error that it gets.
    pub fn draw(&self, operation: &OperationModel) -> Option<(u16, &'static str, &'static str)> {
        if !self.any.load(Ordering::Acquire) {
            return None;
        }
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        let hit = rules
            .iter()
            .filter(|rule| rule.operation == "*" || rule.operation == operation.name)
            .find(|rule| random::fraction() < rule.rate)?;
        Some((hit.status, hit.error, MESSAGE))
    }

    pub fn to_json(&self) -> Value {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        let one = |rule: &Fault| json!({ "operation": rule.operation, "error": rule.error, "rate": rule.rate });
        rules.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUT: OperationModel =
        OperationModel { name: "PutRecord", index: 0, method: "POST", uri: "/", event_stream: false };

    #[test]
    fn rules_hit_at_their_rate() {
        let faults = Faults::default();
        assert_eq!(faults.draw(&PUT), None);
        faults.put(Fault::parse(br#"{"error":"InternalFailure","rate":0.5}"#).expect("valid")).expect("room");
        let hits = (0..2000).filter(|_| faults.draw(&PUT).is_some()).count();
        assert!((800..1200).contains(&hits), "{hits}");
        faults.put(Fault::parse(br#"{"error":"InternalFailure","rate":1}"#).expect("valid")).expect("room");
        assert_eq!(faults.draw(&PUT), Some((500, "InternalFailure", MESSAGE)));
        faults.clear();
        assert_eq!(faults.draw(&PUT), None);
        let other = br#"{"operation":"GetRecords","error":"ThrottlingException"}"#;
        faults.put(Fault::parse(other).expect("valid")).expect("room");
        assert_eq!(faults.draw(&PUT), None);
    }

    #[test]
    fn nonsense_is_refused() {
        for body in [
            "",
            "[]",
            "{}",
            r#"{"error":"NoSuchException"}"#,
            r#"{"error":"InternalFailure","rate":2}"#,
            r#"{"error":"InternalFailure","rate":"x"}"#,
            r#"{"error":"InternalFailure","operation":"a b"}"#,
        ] {
            assert!(Fault::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
