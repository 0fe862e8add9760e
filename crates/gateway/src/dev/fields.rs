//! Bodies of the control API: one JSON object with known fields.

use serde_json::{Map, Value};

/// What of a client's text is repeated in an answer.
pub const SHOWN_CHARS_MAX: usize = 128;

/// The fields of a body. A field that is not in `known` is refused: it is most likely a misspelt one, and a test that
/// relies on it would test nothing.
pub fn fields(body: &[u8], known: &[&str]) -> Result<Map<String, Value>, String> {
    let value: Value = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
    let Value::Object(fields) = value else { return Err("the body is not a JSON object".to_owned()) };
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(fields),
        Some(unknown) => {
            let shown: String = unknown.chars().take(SHOWN_CHARS_MAX).collect();
            Err(format!("{shown:?} is not one of the fields {}", known.join(", ")))
        }
    }
}
