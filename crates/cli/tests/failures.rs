//! Errors are one line that says what to do next.

use crate::harness::{Server, command, run};

#[test]
fn nobody_listens() {
    let ended = run(command(&["stream", "list"]).env("AWS_ENDPOINT_URL", "http://127.0.0.1:1"));
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.err,
        "anabranch: cannot connect to http://127.0.0.1:1: Connection refused (os error 111); start a server with \
         `anabranch serve`, or name one with --endpoint\n"
    );
}

#[test]
fn another_machine_wants_a_key() {
    let ended = run(&mut command(&["stream", "list", "--endpoint", "https://kinesis.example.org"]));
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.err,
        "anabranch: no access key for https://kinesis.example.org: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
         name a profile with --profile\n"
    );
}

#[test]
fn an_authority_that_is_named_must_be_there() {
    let mut list = command(&["stream", "list", "--endpoint", "http://127.0.0.1:1", "--ca", "/nonexistent/ca.pem"]);
    let ended = run(&mut list);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.starts_with("anabranch: TLS: /nonexistent/ca.pem: "), "{}", ended.err);
    let mut list = command(&["stream", "list", "--endpoint", "http://127.0.0.1:1"]);
    let ended = run(list.env("AWS_CA_BUNDLE", "/nonexistent/ca.pem"));
    assert!(ended.err.starts_with("anabranch: cannot connect to "), "{}", ended.err);
}

#[test]
fn keys_are_checked() {
    let server = Server::start(&[]);
    let mut list = server.command(&["stream", "list"]);
    let ended = run(list.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY"));
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("; no access key is set: paste the export lines"), "{}", ended.err);
    let ended = run(server.command(&["stream", "list"]).env("AWS_SECRET_ACCESS_KEY", "wrong"));
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("; check AWS_ACCESS_KEY_ID"), "{}", ended.err);
    let ended = run(server.command(&["stream", "list"]).env_remove("AWS_SECRET_ACCESS_KEY"));
    assert_eq!(ended.code, Some(2));
    assert_eq!(ended.err, "anabranch: the environment has AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY\n");
}

#[test]
fn what_is_not_understood_exits_with_2() {
    for arguments in [
        &["nothing"][..],
        &["stream", "create"],
        &["stream", "list", "--endpoint", "nowhere"],
        &["stream", "list", "--region", "US"],
        &["stream", "list", "--profile", "nobody"],
        &["stream", "split", "s", "0", "--at", "-1"],
        &["tail", "s", "--from", "yesterday"],
        &["put", "s", "--key-from", "csv"],
        &["serve", "--durability", "maybe"],
    ] {
        let ended = run(&mut command(arguments));
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.err);
    }
}

#[test]
fn lines_that_cannot_be_written_are_listed() {
    let server = Server::start(&["--limits", "off"]);
    server.anabranch(&["stream", "create", "s", "--wait"]);
    let large = "x".repeat(1 << 20);
    let input = server.file("in", &format!("k,v\na,1\n,2\nb,{large}\nc,3\n"));
    let rejects = server.folder.path().join("rejects");
    let rejects = rejects.to_str().expect("text");
    let ended = server.run(&["put", "s", &input, "--csv-key", "k", "--rejects", rejects]);
    assert_eq!(ended.code, Some(1));
    let lines: Vec<&str> = ended.err.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ended.err);
    assert_eq!(lines[0], "not written: line 3: the partition key is empty");
    let wanted = "not written: line 4: the record has 1048578 bytes, and the stream takes 1048576";
    assert_eq!(lines[1], wanted);
    assert!(ended.out.starts_with("2 records written to s in "), "{}", ended.out);
    assert!(ended.out.ends_with("; 2 not written\n"), "{}", ended.out);
    assert_eq!(std::fs::read_to_string(rejects).expect("written"), format!("k,v\n,2\nb,{large}\n"));
    assert_eq!(server.anabranch(&["tail", "s", "--from", "horizon", "--no-follow"]), "a,1\nc,3\n");

    let ended = server.run(&["put", "s", &input, "--csv-key", "z"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.ends_with("the first line has no column \"z\"; its columns are k, v\n"), "{}", ended.err);
    let ended = server.run(&["put", "s", "/dev/null", "--csv-key", "k"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.err, "anabranch: the input is empty: a line with names is missing\n");
    let ended = server.run(&["put", "nothing", &input]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("ResourceNotFoundException"), "{}", ended.err);
    let ended = server.run(&["put", "s", "/nonexistent/file"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(ended.err, "anabranch: cannot read /nonexistent/file: No such file or directory (os error 2)\n");
}

#[test]
fn an_open_quote_ends_a_put() {
    let server = Server::start(&[]);
    server.anabranch(&["stream", "create", "s", "--wait"]);
    let input = server.file("in", "k,v\r\na,1\r\n\r\nb,\"2\r\n\"\r\nc,\"3\r\nd,4\r\n");
    let ended = server.run(&["put", "s", &input, "--csv-key", "k"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.out.starts_with("2 records written to s in "), "{}", ended.out);
    let wanted = "anabranch: the quote that opens in line 6 is not closed; nothing from line 6 on was written\n";
    assert_eq!(ended.err, wanted);
    let found = server.anabranch(&["tail", "s", "--from", "horizon", "--no-follow"]);
    assert_eq!(found, "a,1\nb,\"2\r\n\"\n");
}
