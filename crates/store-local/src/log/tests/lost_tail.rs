use super::*;

/// Without a flush per commit a power cut takes records of which the manifest knows. Their positions are not given
/// again, and the node starts again and again.
#[tokio::test]
async fn positions_that_power_took_are_passed_over() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let settings = LocalLogSettings { durability: Durability::None, ..small(dir.path()) };
    let log = open_log(&settings).expect("opens");
    log.open(LogId(1), OPTIONS);
    log.all_logs_open();
    // A frame for each; they fill the first file and begin the second.
    for _ in 0..20 {
        append(&log, 1, &["x"], false).await.expect("room");
    }
    sealed(&log).await;
    log.crash();
    // Of the second file, only the first frame was on the device.
    let journal = dir.path().join("journal/0000000002.journal");
    let mut bytes = std::fs::read(&journal).expect("read");
    assert!(bytes[2 * 4096..].starts_with(b"AFRM"));
    bytes[2 * 4096..].fill(0);
    std::fs::write(&journal, bytes).expect("write");
    for restart in 0..3 {
        let log = open_log(&settings).unwrap_or_else(|error| panic!("restart {restart}: {error}"));
        log.open(LogId(1), OPTIONS);
        assert_eq!(append(&log, 1, &["later"], false).await.expect("room"), Position(20 + restart));
        assert_eq!(
            all(&log, 1).await.expect("readable").last().map(|last| last.position),
            Some(Position(20 + restart))
        );
        log.crash();
    }
}
