//! Tests of the encodings against captured and independent vectors, and against other implementations.

mod cbor;
mod event_stream;
mod front_door;
mod garbage;
mod json;
mod kpl;
mod pace;
mod query;
mod shapes;
mod sigv4;
mod sigv4_refusals;

/// A vector file beside the tests.
fn vectors(name: &str) -> serde_json::Value {
    let path = format!("{}/tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("vector file is in the repository");
    serde_json::from_str(&text).expect("vector file is JSON")
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).expect("hexadecimal")).collect()
}
