//! Services that speak awsJson1.0 alone.

use wire::event_stream::crc32;

use crate::support::{Answer, JSON, Server, Wish, exchange, request, start};

async fn call(server: &Server, content_type: &str, operation: &str, body: &str) -> Answer {
    let target = format!("Older_1.{operation}");
    let headers = [("content-type", content_type), ("x-amz-target", &*target)];
    exchange(server.address, &request("POST", "/", &headers, body)).await
}

#[tokio::test]
async fn errors_have_absolute_names_and_answers_a_checksum() {
    let server = start(Wish::default()).await;
    for (operation, body, expected) in [
        ("Echo", r#"{"Text":"a"}"#, r#"{"Text":"a"}"#),
        ("Fail", "{}", r#"{"__type":"com.amazonaws.older.v20260101#NopeException","message":"it is not to be"#),
        ("Echo", r#"{"Text":"bad"}"#, r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"1"#),
        ("Echo", "{", r#"{"__type":"com.amazon.coral.service#SerializationException"}"#),
        ("Echo", r#"{"Text":1}"#, r#"{"__type":"com.amazon.coral.service#SerializationException","Message":""#),
    ] {
        let answer = call(&server, "application/x-amz-json-1.0", operation, body).await;
        assert!(answer.body.starts_with(expected), "{answer:?}");
        assert_eq!(answer.header("x-amz-crc32"), Some(&*crc32(&answer.bytes).to_string()), "{answer:?}");
    }
}

#[tokio::test]
async fn names_are_short_in_other_encodings() {
    let server = start(Wish::default()).await;
    let answer = call(&server, JSON, "Fail", "{}").await;
    assert!(answer.body.starts_with(r#"{"__type":"NopeException""#), "{answer:?}");
}

#[tokio::test]
async fn strangers_are_told_in_the_same_form() {
    let server = start(Wish { auth: true, ..Wish::default() }).await;
    let answer = call(&server, "application/x-amz-json-1.0", "Echo", "{}").await;
    let expected = r#"{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException""#;
    assert!(answer.body.starts_with(expected), "{answer:?}");
}
