//! Log files that arrive, by the configuration of the Kinesis Agent.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{ACCESS_KEY_ID, SECRET_ACCESS_KEY, Server, command, run, wait_for};

/// Who may do nothing.
const NOBODY: u32 = 65534;

/// Writes a configuration with one flow, from the folder `logs` to the stream `s`.
fn configure(server: &Server, flow: &[(&str, Value)]) -> String {
    let folder = server.folder.path().to_str().expect("text");
    let mut one = json!({
        "filePattern": format!("{folder}/logs/app.log*"), "kinesisStream": "s", "initialPosition": "START_OF_FILE",
        "maxBufferAgeMillis": 1000, "minTimeBetweenFilePollsMillis": 10, "retryMaxBackoffMillis": 500
    });
    for (key, value) in flow {
        one[*key] = value.clone();
    }
    let config = json!({
        "kinesis.endpoint": server.endpoint, "kinesis.region": "us-east-1",
        "awsAccessKeyId": ACCESS_KEY_ID, "awsSecretAccessKey": SECRET_ACCESS_KEY,
        "checkpointFile": format!("{folder}/state/checkpoint"), "flows": [one]
    });
    fs::create_dir_all(server.folder.path().join("logs")).expect("made");
    fs::create_dir_all(server.folder.path().join("state")).expect("made");
    server.file("agent.json", &format!("// what is shipped\n{config}"))
}

/// Starts an agent, and waits until it is at work.
fn start(command: &mut Command, server: &Server) -> Child {
    let path = server.folder.path().join("agent-log");
    let log = OpenOptions::new().create(true).append(true).open(path).expect("a file");
    let before = starts(server);
    let agent = command.stderr(Stdio::from(log)).spawn().expect("the binary runs");
    wait_for("start of the agent", || (starts(server) > before).then_some(agent.id()));
    agent
}

fn starts(server: &Server) -> usize {
    said(server).matches("started: flows 1, checkpoint file ").count()
}

fn said(server: &Server) -> String {
    fs::read_to_string(server.folder.path().join("agent-log")).expect("text")
}

fn stop(mut agent: Child, server: &Server) {
    let sent = Command::new("kill").args(["-TERM", &agent.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(agent.wait().expect("a child").code(), Some(0), "{}", said(server));
}

fn append(server: &Server, text: &str) {
    let path = server.folder.path().join("logs/app.log");
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file");
    file.write_all(text.as_bytes()).expect("written");
}

/// Data of all records of the stream.
fn records(server: &Server) -> Vec<String> {
    let out = server.anabranch(&["tail", "s", "--from", "horizon", "--no-follow", "--output", "json"]);
    let data = |line: &str| serde_json::from_str::<Value>(line).expect("an object a line")["Data"].clone();
    out.lines().map(|line| data(line).as_str().expect("text").to_owned()).collect()
}

#[test]
fn ten_thousand_lines_arrive_through_rotation_and_limits() {
    let server = Server::start(&["--limits", "on"]);
    server.anabranch(&["stream", "create", "s", "--shards", "4", "--wait"]);
    let config = configure(&server, &[]);
    let mut agent = start(&mut command(&["agent", "--config", &config]), &server);
    let path = |i: usize| server.folder.path().join(format!("logs/app.log.{i}"));
    for round in 0..10 {
        for part in 0..10 {
            let from = round * 1000 + part * 100;
            append(&server, &(from..from + 100).map(|line| format!("line {line}\n")).collect::<String>());
        }
        for i in (1..=round).rev() {
            fs::rename(path(i), path(i + 1)).expect("renamed");
        }
        fs::rename(server.folder.path().join("logs/app.log"), path(1)).expect("renamed");
        if round == 4 {
            stop(agent, &server);
            agent = start(&mut command(&["agent", "--config", &config]), &server);
        }
    }
    let mut found = wait_for("10,000 records", || {
        let found = records(&server);
        (found.len() >= 10_000).then_some(found)
    });
    stop(agent, &server);
    let number = |text: &String| text[5..].trim_end().parse::<usize>().expect("a number");
    found.sort_by_key(number);
    assert_eq!(found, (0..10_000).map(|line| format!("line {line}\n")).collect::<Vec<_>>());
    assert!(said(&server).contains("stopped: "), "{}", said(&server));
}

#[test]
fn a_file_that_may_not_be_read_is_told_and_read_later() {
    let server = Server::start(&[]);
    server.anabranch(&["stream", "create", "s", "--wait"]);
    let options = json!([{"optionName": "CSVTOJSON", "customFieldNames": ["a", "b"]}]);
    let config = configure(&server, &[("dataProcessingOptions", options)]);
    append(&server, "1,2\n");
    let file = server.folder.path().join("logs/app.log");
    fs::set_permissions(&file, Permissions::from_mode(0o000)).expect("set");
    let mut command = command(&["agent", "--config", &config]);
    if fs::metadata(&file).expect("there").uid() == 0 {
        // Who may do everything would read it.
        for folder in ["", "logs", "state"] {
            fs::set_permissions(server.folder.path().join(folder), Permissions::from_mode(0o777)).expect("set");
        }
        command.uid(NOBODY);
    }
    let agent = start(&mut command, &server);
    wait_for("a word about it", || said(&server).contains("app.log: cannot be read: Permission denied").then_some(()));
    fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("set");
    wait_for("the record", || (records(&server) == ["{\"a\":\"1\",\"b\":\"2\"}\n"]).then_some(()));
    stop(agent, &server);
    assert!(said(&server).contains("app.log: works again"), "{}", said(&server));
}

#[test]
fn what_is_wrong_with_a_configuration_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("agent.json");
    let name = path.to_str().expect("text");
    let check = |code: i32, expected: &str| {
        let ended = run(&mut command(&["agent", "--config", name]));
        assert_eq!((ended.code, ended.err.as_str()), (Some(code), expected));
    };
    check(1, &format!("anabranch: cannot read {name}: No such file or directory (os error 2)\n"));
    fs::write(&path, r#"{"flows": [{"filePattern": "/var/log/a", "kinesisStream": "s", "skipHeaderLines": -1}]}"#)
        .expect("written");
    check(
        2,
        &format!(
            "anabranch: {name}: flow 1 (/var/log/a): skipHeaderLines: -1 is not a whole number from 0 to 1000000\n"
        ),
    );
}
