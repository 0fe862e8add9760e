//! `anabranch config check`

use std::fs;

use crate::harness::{command, run};

#[test]
fn settings_and_where_they_come_from() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("anabranch.toml");
    fs::write(&file, "limits = \"off\"\nregion = \"eu-west-1\"\naccount = \"123456789012\"\n").expect("written");
    let file = file.to_str().expect("text");
    let mut check = command(&["config", "check", "--config", file, "--region", "eu-central-1"]);
    let ended = run(check.env("ANABRANCH_DURABILITY", "interval=1s").env("ANABRANCH_ACCOUNT", "210987654321"));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let shown: Vec<Vec<&str>> = ended.out.lines().map(|line| line.split_whitespace().collect()).collect();
    let row = |name: &str| shown.iter().find(|row| row[0] == name).expect("every setting is shown")[1..].to_vec();
    assert_eq!(row("limits"), ["off", file]);
    assert_eq!(row("region"), ["eu-central-1", "--region"]);
    assert_eq!(row("account"), ["210987654321", "ANABRANCH_ACCOUNT"]);
    assert_eq!(row("durability"), ["interval=1s", "ANABRANCH_DURABILITY"]);
    assert_eq!(row("auth"), ["on", "default"]);
    assert_eq!(row("worker-threads"), ["-", "default"]);
    assert_eq!(shown.len(), 24);
}

#[test]
fn what_cannot_be_used_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("anabranch.toml");
    let check = |text: &str, flags: &[&str]| {
        fs::write(&file, text).expect("written");
        let ended = run(command(&["config", "check", "--config"]).arg(&file).args(flags));
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{text} {flags:?}");
        assert_eq!(ended.err.lines().count(), 1, "{}", ended.err);
        ended.err
    };
    assert!(check("limit = \"off\"", &[]).contains("limit"));
    assert!(check("", &["--auth", "off", "--listen", "0.0.0.0:4567"]).contains("loopback"));
    assert!(check("durability = \"often\"", &[]).contains("interval=DURATION"));
    let ended = run(&mut command(&["config", "check", "--config", "/nonexistent.toml"]));
    assert_eq!(ended.code, Some(2));
}

#[test]
fn files_are_looked_at() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    fs::write(path("file"), "no certificate").expect("written");
    let nowhere = path("nowhere");
    for (flags, words) in [
        (["--tls", &format!("{nowhere},{nowhere}")], "nowhere cannot be used"),
        (["--root-key-file", &nowhere], "nowhere cannot be read"),
        (["--data", &path("file")], "file is not a directory"),
        (["--log-level", "info,gateway=loud"], "loud"),
        (["--worker-threads", "100000"], "from 1 to 1024"),
    ] {
        for (arguments, code) in [(&["config", "check"][..], 2), (&["serve", "--listen", "127.0.0.1:0"], 0)] {
            let ended = run(command(arguments).current_dir(folder.path()).args(flags));
            assert!(ended.err.contains(words), "{arguments:?} {flags:?}: {}", ended.err);
            assert!(ended.code == Some(code) || code == 0 && ended.code > Some(0), "{:?}", ended.code);
        }
    }
}

#[test]
fn booleans_and_addresses_have_many_forms() {
    let check = |variables: &[(&str, &str)]| {
        let ended = run(command(&["config", "check", "--output", "json"]).envs(variables.iter().copied()));
        assert_eq!(ended.code, Some(0), "{variables:?}: {}", ended.err);
        serde_json::from_str::<Vec<serde_json::Value>>(&ended.out).expect("JSON")
    };
    let value = |rows: &[serde_json::Value], name: &str| {
        rows.iter().find(|row| row["Name"] == name).expect("every setting is shown")["Value"].clone()
    };
    for on in ["1", "true", "yes", "on", "True"] {
        assert_eq!(value(&check(&[("ANABRANCH_DEV", on)]), "dev"), true);
    }
    for off in ["0", "false", "no", "off"] {
        let rows = check(&[("ANABRANCH_DEV", off), ("ANABRANCH_AUTH", off)]);
        assert_eq!((value(&rows, "dev"), value(&rows, "auth")), (false.into(), "off".into()));
    }
    assert_eq!(value(&check(&[("ANABRANCH_LISTEN", "localhost:0")]), "listen"), "127.0.0.1:0");
    let ended = run(&mut command(&["config", "check", "--listen", "4567"]));
    assert!(ended.code == Some(2) && ended.err.contains("such as 127.0.0.1:4567"), "{}", ended.err);
}

#[test]
fn secrets_are_not_shown() {
    let mut check = command(&["config", "check"]);
    check.env("ANABRANCH_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").env("ANABRANCH_SECRET_ACCESS_KEY", "hunter2hunter2");
    let ended = run(&mut check);
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert!(!ended.out.contains("hunter2"), "{}", ended.out);
    for arguments in [&["config", "check", "--help"], &["config", "check", "-h"]] {
        let mut help = command(arguments);
        assert!(!run(help.env("ANABRANCH_SECRET_ACCESS_KEY", "hunter2")).out.contains("hunter2"));
    }
}
