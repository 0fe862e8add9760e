//! What goes in comes back: equal, in order, after kill -9, a split and a merge.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::harness::Server;

const HEADER: &str = "timestamp,city,value";

/// Rows of a CSV file; every tenth has a quoted field over two lines.
fn rows(from: usize, to: usize) -> Vec<String> {
    (from..to)
        .map(|i| {
            let city = match i % 10 {
                0 => "\"Upper \"\"X\"\"\nby the river, south\"".to_owned(),
                city => format!("city {city}"),
            };
            format!("2026-01-{:02} {:02}:{:02},{city},{}", 1 + i % 28, i % 24, i % 60, i * 7)
        })
        .collect()
}

fn put(server: &Server, rows: &[String], options: &[&str]) {
    let file = server.file("rows.csv", &format!("{HEADER}\n{}\n", rows.join("\n")));
    let done = server.anabranch_json(&[&["put", "taxi", &file, "--csv-key", "city"], options].concat());
    assert_eq!(done["WrittenRecordCount"], rows.len(), "{done}");
}

/// Shard, key and data of every record, in the order of printing.
fn tail(server: &Server, options: &[&str]) -> Vec<(String, String, String)> {
    let fixed = ["tail", "taxi", "--from", "horizon", "--no-follow", "--output", "json"];
    let out = server.anabranch(&[&fixed, options].concat());
    out.lines()
        .map(|line| {
            let record: Value = serde_json::from_str(line).expect("an object a line");
            let text = |name: &str| record[name].as_str().expect(name).to_owned();
            (text("ShardId"), text("PartitionKey"), text("Data"))
        })
        .collect()
}

/// Rows of each key in their order.
fn by_key<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeMap<String, Vec<String>> {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, row) in rows {
        keys.entry(key.to_owned()).or_default().push(row.to_owned());
    }
    keys
}

fn key_of(row: &str) -> &str {
    if row.contains('"') { "Upper \"X\"\nby the river, south" } else { row.split(',').nth(1).expect("a column") }
}

#[test]
fn a_file_survives_crashes_a_split_and_a_merge() {
    let mut server = Server::start(&["--limits", "off"]);
    server.anabranch(&["stream", "create", "taxi", "--wait"]);
    let all = rows(0, 3000);
    put(&server, &all[..1000], &[]);
    server.anabranch(&["stream", "split", "taxi", "0", "--wait"]);
    put(&server, &all[1000..2000], &[]);
    server.crash_and_restart();
    server.anabranch(&["stream", "merge", "taxi", "1", "2", "--wait"]);
    put(&server, &all[2000..], &[]);
    server.crash_and_restart();

    let wanted = by_key(all.iter().map(|row| (key_of(row), row.as_str())));
    for options in [&["--interval", "10"][..], &["--consumer", "reader"][..]] {
        let found = tail(&server, options);
        assert_eq!(found.len(), all.len(), "{options:?}");
        let found = by_key(found.iter().map(|(_, key, data)| (key.as_str(), data.as_str())));
        assert_eq!(found, wanted, "{options:?}");
    }
    let shards: std::collections::BTreeSet<String> =
        tail(&server, &["--interval", "10"]).into_iter().map(|(shard, ..)| shard).collect();
    assert_eq!(shards.len(), 4);
    assert_eq!(server.anabranch_json(&["stream", "show", "taxi"])["Consumers"], serde_json::json!([]));
}

#[test]
fn a_tail_follows_a_split() {
    let server = Server::start(&["--limits", "off"]);
    server.anabranch(&["stream", "create", "taxi", "--wait"]);
    for (stream_part, options) in [(0, &[][..]), (1, &["--consumer", "follower"][..])] {
        let before = stream_part * 200;
        let fixed = ["tail", "taxi", "--from", "horizon", "--interval", "10", "--limit"];
        let limit = (before + 200).to_string();
        let mut tail = server
            .command(&[&fixed[..], &[limit.as_str()], options].concat())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let lines = |from: usize, to: usize| -> String { (from..to).map(|i| format!("line {i}\n")).collect() };
        let put = |text: &str| {
            let file = server.file("lines", text);
            server.anabranch(&["put", "taxi", &file, "--key-from", "hash"]);
        };
        put(&lines(before, before + 100));
        let shard = ["0", "1"][stream_part];
        server.anabranch(&["stream", "split", "taxi", shard, "--wait"]);
        put(&lines(before + 100, before + 200));
        let out = BufReader::new(tail.stdout.take().expect("piped"));
        let mut found: Vec<String> = out.lines().map(|line| line.expect("text")).collect();
        assert!(tail.wait().expect("a child").success());
        let mut wanted: Vec<String> = lines(0, before + 200).lines().map(str::to_owned).collect();
        found.sort();
        wanted.sort();
        assert_eq!(found, wanted);
    }
}

#[test]
fn limits_slow_a_put_down_and_nothing_is_lost() {
    let server = Server::start(&["--limits", "on"]);
    server.anabranch(&["stream", "create", "taxi", "--wait"]);
    let all = rows(0, 2500);
    put(&server, &all, &["--concurrency", "4"]);
    let mut found: Vec<String> = tail(&server, &[]).into_iter().map(|(.., data)| data).collect();
    let mut wanted = all;
    found.sort();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[test]
fn where_a_tail_begins() {
    let server = Server::start(&["--limits", "off"]);
    server.anabranch(&["stream", "create", "taxi", "--wait"]);
    put(&server, &rows(1, 9), &[]);
    let tail = |options: &[&str]| server.anabranch(&[&["tail", "taxi", "--no-follow"], options].concat());
    assert_eq!(tail(&[]), "", "latest is the default");
    assert_eq!(tail(&["--from", "horizon"]).lines().count(), 8);
    assert_eq!(tail(&["--from", "horizon", "--limit", "3"]).lines().collect::<Vec<_>>(), rows(1, 4));
    assert_eq!(tail(&["--from", "1h"]).lines().count(), 8);
    assert_eq!(tail(&["--from", "2020-01-01T00:00:00Z"]).lines().count(), 8);
    assert_eq!(tail(&["--from", "0s"]), "");
}
