use std::time::{Duration, Instant};

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

#[tokio::test]
async fn a_node_without_room_says_so() {
    let directory = tempfile::tempdir().expect("a directory");
    let node = start(directory.path(), "journal-file = \"16MiB\"\nlimits = \"off\"").await;
    let key = node.first_key().expect("a key").clone();
    create(&node, Some(&key), "s").await;
    let address = node.addresses().plain;
    let journals = directory.path().join("journal");
    // The file that is being written stays open; there is no place for another.
    std::fs::rename(&journals, directory.path().join("away")).expect("renamed");
    let data = "YWJj".repeat(200_000);
    let began = Instant::now();
    while get(address, "/readyz").await.0 == 200 {
        assert!(began.elapsed() < Duration::from_secs(60), "it still has room");
        put(&node, Some(&key), "s", &data).await;
    }
    let (status, words) = get(address, "/readyz").await;
    assert!(status == 503 && words.starts_with("there is no room for new records: "), "{status} {words}");
    assert!(get(address, "/metrics").await.1.lines().any(|line| line == "anabranch_log_full 1"));
    assert_eq!(get(address, "/livez").await.0, 200);
    std::fs::rename(directory.path().join("away"), &journals).expect("renamed");
    while get(address, "/readyz").await.0 == 503 {
        assert!(began.elapsed() < Duration::from_secs(60), "there is room again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(get(address, "/metrics").await.1.lines().any(|line| line == "anabranch_log_full 0"));
    put(&node, Some(&key), "s", &data).await;
    node.shutdown().await;
}
