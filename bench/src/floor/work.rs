//! The work of a processor that a durable PutRecords cannot do without, done by a program that does nothing else:
//! hash and authenticate the body, parse it, decode the data, hash the keys, checksum, build the frame, answer.

use aws_lc_rs::{digest, hmac};
use base::hash_key::HashKey;
use base64_simd::{Out, STANDARD};
use serde::Deserialize;

use super::log::{HEAD_BYTES, finish_frame};

/// As long as what a signature covers.
const SIGNED_BYTES: usize = 128;
const ENTRY: &str = r#"{"SequenceNumber":"49600000000000000000000000000000000000000000000000000000","ShardId":"shardId-000000000000"},"#;
const SEQUENCE_NUMBER_END: usize = 75;
const SEQUENCE_DIGITS: usize = 20;

#[derive(Debug, Deserialize)]
struct Request<'a> {
    #[serde(rename = "StreamName")]
    stream: &'a str,
    #[serde(rename = "Records", borrow)]
    records: Vec<Record<'a>>,
}

#[derive(Debug, Deserialize)]
struct Record<'a> {
    #[serde(rename = "Data")]
    data: &'a str,
    #[serde(rename = "PartitionKey")]
    key: &'a str,
}

/// What is left of a request after the work.
#[derive(Debug)]
pub(super) struct Done {
    /// For the log.
    pub frame: Vec<u8>,
    pub response: Vec<u8>,
}

/// The signing key of the one caller there is.
pub(super) fn signing_key() -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, b"derived once a day")
}

/// Does the work; `first` numbers the first record.
pub(super) fn put_records(body: &[u8], key: &hmac::Key, first: u64) -> Result<Done, String> {
    let hash = digest::digest(&digest::SHA256, body);
    let mut signed = [b'-'; SIGNED_BYTES];
    signed[..hash.as_ref().len()].copy_from_slice(hash.as_ref());
    let signature = hmac::sign(key, &signed);
    let request: Request<'_> = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let keys: Vec<&[u8]> = request.records.iter().map(|record| record.key.as_bytes()).collect();
    let mut hash_keys = vec![HashKey(0); keys.len()];
    base::md5::hash_keys(&keys, &mut hash_keys);
    let mut frame = Vec::with_capacity(HEAD_BYTES + body.len());
    frame.resize(HEAD_BYTES, 0);
    frame.extend_from_slice(signature.as_ref());
    frame.extend_from_slice(request.stream.as_bytes());
    for (record, hash_key) in request.records.iter().zip(&hash_keys) {
        add(&mut frame, record, *hash_key)?;
    }
    finish_frame(&mut frame);
    Ok(Done { frame, response: response(request.records.len(), first) })
}

fn add(frame: &mut Vec<u8>, record: &Record<'_>, hash_key: HashKey) -> Result<(), String> {
    frame.extend_from_slice(&hash_key.0.to_le_bytes());
    frame.extend_from_slice(&(record.key.len() as u32).to_le_bytes());
    frame.extend_from_slice(record.key.as_bytes());
    let length_at = frame.len();
    let data_at = length_at + 4;
    frame.resize(data_at + STANDARD.estimated_decoded_length(record.data.len()), 0);
    let decoded = STANDARD
        .decode(record.data.as_bytes(), Out::from_slice(&mut frame[data_at..]))
        .map_err(|error| error.to_string())?
        .len();
    frame.truncate(data_at + decoded);
    frame[length_at..data_at].copy_from_slice(&(decoded as u32).to_le_bytes());
    Ok(())
}

fn response(records: usize, first: u64) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + records * ENTRY.len());
    out.extend_from_slice(br#"{"FailedRecordCount":0,"Records":["#);
    for number in (first..).take(records) {
        let end = out.len() + SEQUENCE_NUMBER_END;
        out.extend_from_slice(ENTRY.as_bytes());
        let (mut number, mut digit) = (number, end);
        while number > 0 && digit > end - SEQUENCE_DIGITS {
            digit -= 1;
            out[digit] = b'0' + (number % 10) as u8;
            number /= 10;
        }
    }
    if records > 0 {
        out.pop();
    }
    out.extend_from_slice(b"]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_becomes_a_frame_and_an_answer() {
        let body = crate::request::put_records("s", 3, 100, 1);
        let done = put_records(body.as_bytes(), &signing_key(), 1041).expect("the body is sound");
        let answer: serde_json::Value = serde_json::from_slice(&done.response).expect("JSON");
        let numbers: Vec<&str> = (0..3).filter_map(|i| answer["Records"][i]["SequenceNumber"].as_str()).collect();
        assert!(numbers.iter().all(|number| number.len() == 56), "{numbers:?}");
        assert!(numbers[0].ends_with("0001041") && numbers[2].ends_with("0001043"), "{numbers:?}");
        let entry = 16 + 4 + 16 + 4 + 100;
        assert_eq!(done.frame.len(), HEAD_BYTES + 32 + 1 + 3 * entry);
        assert!(put_records(b"{}", &signing_key(), 0).is_err());
    }
}
