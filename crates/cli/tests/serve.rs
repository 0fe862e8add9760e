//! `anabranch serve`: start, words, stop.

use std::fs;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{Server, command, run};

#[test]
fn the_first_lines_name_what_matters() {
    let server = Server::start(&["--durability", "interval=50ms", "--limits", "off"]);
    let said = server.said();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with(concat!("Anabranch ", env!("CARGO_PKG_VERSION"), " is ready after ")), "{said}");
    assert_eq!(lines[1], format!("  endpoint    {}", server.endpoint));
    assert_eq!(lines[2], format!("  data        {}", server.data().display()));
    assert_eq!(
        lines[3],
        "  durability  interval=50ms: a crash of the machine loses what was acknowledged since the last flush"
    );
    assert_eq!(lines[4], "  limits      off");
    assert_eq!(lines.len(), 5, "{said}");
}

#[test]
fn signals_stop_a_server_with_success() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start(&[]);
        server.anabranch(&["stream", "create", "s", "--wait"]);
        assert!(server.stop(signal).success(), "{signal}");
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    let mut server = Server::start(&["--drain", "60s"]);
    let address = server.endpoint.strip_prefix("http://").expect("plaintext");
    let mut client = TcpStream::connect(address).expect("the server listens");
    // A request that is under way for as long as its body does not come.
    let head = "POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: 2\r\n\r\n{";
    client.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(200));
    server.signal("TERM");
    std::thread::sleep(Duration::from_millis(500));
    assert!(server.is_running(), "the request may end");
    assert_eq!(server.stop("INT").code(), Some(130));
}

#[test]
fn a_second_server_is_refused() {
    let server = Server::start(&[]);
    let data = server.data();
    let data = data.to_str().expect("text");
    let ended = run(&mut command(&["serve", "--listen", "127.0.0.1:0", "--data", data]));
    assert_eq!(ended.code, Some(1), "{}", ended.out);
    assert!(ended.err.starts_with("anabranch: ") && ended.err.contains(data), "{}", ended.err);
}

#[test]
fn tls_with_a_local_authority() {
    let server = Server::start(&["--tls", "auto", "--tls-listen", "127.0.0.1:0"]);
    let said = server.said();
    let value = |name: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name)).expect("the line is there");
        line.trim().to_owned()
    };
    let (endpoint, trust) = (value("TLS"), value("trust"));
    let ca = trust.strip_prefix("clients trust ").and_then(|rest| rest.split_once(": ")).expect("a file").0;
    let list = |arguments: &[&str]| server.run(&[&["stream", "list", "--endpoint", &endpoint], arguments].concat());
    let ended = list(&["--ca", ca]);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let strange = list(&[]).err;
    assert!(strange.ends_with("; name the certificate authority to trust with --ca\n"), "{strange}");
    let crossed = |from: &str, to: &str, endpoint: &str| {
        server.run(&["stream", "list", "--endpoint", &endpoint.replace(from, to)]).err
    };
    let plain = crossed("http:", "https:", &server.endpoint);
    assert!(plain.ends_with("; there seems to be no TLS at this address: try http://\n"), "{plain}");
    let plain = crossed("https:", "http:", &endpoint);
    assert!(plain.ends_with("; there seems to be TLS at this address: try https://\n"), "{plain}");
    let other = server.file("other.pem", "no certificate");
    assert_eq!(list(&["--ca", &other]).code, Some(1));
}

#[test]
fn dev_mode_asks_for_no_key() {
    let server = Server::start_without_key(&["--dev"]);
    assert!(server.said().contains("  data        in memory\n"), "{}", server.said());
    assert!(!server.said().contains("export "), "{}", server.said());
    let mut create = command(&["stream", "create", "s", "--wait", "--endpoint", &server.endpoint]);
    let ended = run(&mut create);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
}

#[test]
fn live_rates_are_shown() {
    let server = Server::start(&["--limits", "off"]);
    server.anabranch(&["stream", "create", "s", "--wait"]);
    let ended = server.run(&["top", "other", "--count", "1"]);
    assert_eq!((ended.code, ended.err), (Some(1), format!("anabranch: {} has no stream other\n", server.endpoint)));
    let input = server.file("in", &"line\n".repeat(200));
    let top = server.command(&["top", "s", "--interval", "2", "--count", "1", "--output", "json"]);
    let top = std::thread::spawn(move || {
        let mut top = top;
        run(&mut top)
    });
    // Whether it falls into the interval or before it, the next look has seen it.
    std::thread::sleep(Duration::from_millis(700));
    server.anabranch(&["put", "s", &input]);
    let ended = top.join().expect("no panic");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let rates: serde_json::Value = serde_json::from_str(&ended.out).expect("JSON");
    let records = rates["Streams"][0]["PerSecond"]["IncomingRecords"].as_f64().expect("a rate");
    assert!(records > 0.0, "{rates}");
    let shard = rates["Streams"][0]["Shards"]["shardId-000000000000"]["IncomingRecords"].as_f64().expect("a rate");
    assert!((shard - records).abs() < 0.01, "{rates}");
}

#[test]
fn a_settings_file_is_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("anabranch.toml");
    fs::write(&file, "limits = \"off\"\ndurability = \"none\"\n").expect("written");
    let server = Server::start(&["--config", file.to_str().expect("text"), "--durability", "sync"]);
    let said = server.said();
    assert!(said.contains("limits      off") && said.contains("durability  sync: "), "{said}");
}
