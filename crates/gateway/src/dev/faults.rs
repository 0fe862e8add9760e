//! Errors on demand.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use api::service::OperationModel;
use serde_json::{Value, json};

use super::fields::{SHOWN_CHARS_MAX, fields};
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
    /// for all, without a rate for every request. `is_operation` knows the names of operations.
    pub fn parse(body: &[u8], is_operation: impl Fn(&str) -> bool) -> Result<Self, String> {
        let fields = fields(body, &["operation", "error", "rate"])?;
        let operation = fields.get("operation").map_or(Some("*"), Value::as_str).ok_or("operation must be text")?;
        if operation != "*" && !is_operation(operation) {
            let shown: String = operation.chars().take(SHOWN_CHARS_MAX).collect();
            return Err(format!("{shown:?} is not an operation of this server; * means all"));
        }
        let names = || ERRORS.map(|(name, _)| name).join(", ");
        let (error, status) = fields
            .get("error")
            .and_then(Value::as_str)
            .and_then(|wanted| ERRORS.into_iter().find(|(name, _)| *name == wanted))
            .ok_or_else(|| format!("error must be one of {}", names()))?;
        let rate = fields.get("rate").map_or(Some(1.0), Value::as_f64).filter(|rate| (0.0..=1.0).contains(rate));
        let rate = rate.ok_or("rate must be a number between 0 and 1")?;
        Ok(Self { operation: operation.to_owned(), error, status, rate })
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

    fn parse(body: &str) -> Result<Fault, String> {
        Fault::parse(body.as_bytes(), |name| ["PutRecord", "GetRecords"].contains(&name))
    }

    #[test]
    fn rules_hit_at_their_rate() {
        let faults = Faults::default();
        assert_eq!(faults.draw(&PUT), None);
        faults.put(parse(r#"{"error":"InternalFailure","rate":0.5}"#).expect("valid")).expect("room");
        let hits = (0..2000).filter(|_| faults.draw(&PUT).is_some()).count();
        assert!((800..1200).contains(&hits), "{hits}");
        faults.put(parse(r#"{"error":"InternalFailure","rate":1}"#).expect("valid")).expect("room");
        assert_eq!(faults.draw(&PUT), Some((500, "InternalFailure", MESSAGE)));
        faults.clear();
        assert_eq!(faults.draw(&PUT), None);
        let other = r#"{"operation":"GetRecords","error":"ThrottlingException"}"#;
        faults.put(parse(other).expect("valid")).expect("room");
        assert_eq!(faults.draw(&PUT), None);
    }

    #[test]
    fn nonsense_is_refused() {
        for (body, reason) in [
            ("", "not JSON"),
            ("[]", "not a JSON object"),
            ("{}", "error must be one of"),
            (r#"{"error":"NoSuchException"}"#, "error must be one of"),
            (r#"{"error":1}"#, "error must be one of"),
            (r#"{"error":"InternalFailure","rate":2}"#, "between 0 and 1"),
            (r#"{"error":"InternalFailure","rate":-0.1}"#, "between 0 and 1"),
            (r#"{"error":"InternalFailure","rate":"x"}"#, "between 0 and 1"),
            (r#"{"error":"InternalFailure","operation":"Nope"}"#, r#""Nope" is not an operation"#),
            (r#"{"error":"InternalFailure","operation":""}"#, "is not an operation"),
            (r#"{"error":"InternalFailure","operation":["PutRecord"]}"#, "operation must be text"),
            (
                r#"{"error":"InternalFailure","Operation":"PutRecord"}"#,
                r#""Operation" is not one of the fields operation, error, rate"#,
            ),
        ] {
            let refused = parse(body).expect_err(body);
            assert!(refused.contains(reason), "{body}: {refused}");
        }
    }
}
