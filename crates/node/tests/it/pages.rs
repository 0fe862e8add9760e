use crate::client::{create, get, put, start};

#[tokio::test]
async fn operators_see_what_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "durability = \"interval=10ms\"").await;
    let key = node.first_key().expect("a key").clone();
    create(&node, Some(&key), "s").await;
    put(&node, Some(&key), "s", "YWJj").await;
    let address = node.addresses().plain;
    assert_eq!(get(address, "/livez").await, (200, "ok\n".to_owned()));
    assert_eq!(get(address, "/readyz").await, (200, "ok\n".to_owned()));
    let (status, text) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "anabranch_requests_total{operation=\"PutRecord\",code=\"OK\"} 1",
        "anabranch_request_duration_seconds_count{operation=\"PutRecord\"} 1",
        "anabranch_durability_info{level=\"interval=10ms\"} 1",
        "anabranch_stream_incoming_records_total{arn=\"arn:aws:kinesis:eu-central-1:000000000000:stream/s\"} 1",
        "anabranch_log_failed 0",
        "anabranch_log_records 1",
        "# EOF",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("process_resident_memory_bytes ") && text.contains("anabranch_build_info{version="));
    node.shutdown().await;
}
