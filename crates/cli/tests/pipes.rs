//! Readers that go away early, such as `| head -1`, are no reason to fail, and never to panic.

use std::process::Command;

use crate::harness::{Server, command};

/// Ends of pipes that nobody reads.
fn closed() -> std::io::PipeWriter {
    std::io::pipe().expect("a pipe").1
}

fn code(command: &mut Command) -> Option<i32> {
    command.stdout(closed()).stderr(closed()).status().expect("the binary runs").code()
}

#[test]
fn nobody_reads() {
    for arguments in [
        &["completions", "zsh"][..],
        &["completions", "bash"],
        &["config", "check"],
        &["config", "check", "--output", "json"],
        &["put", "--help"],
        &["--version"],
    ] {
        assert_eq!(code(&mut command(arguments)), Some(0), "{arguments:?}");
    }
    assert_eq!(code(&mut command(&["put"])), Some(2));
    assert_eq!(code(&mut command(&["stream", "list", "--endpoint", "http://127.0.0.1:1"])), Some(1));
}

#[test]
fn nobody_reads_what_a_server_is_asked_for() {
    let server = Server::start(&["--limits", "off"]);
    server.anabranch(&["stream", "create", "s", "--wait"]);
    let input = server.file("in", "k,v\na,1\n,2\n,3\n");
    assert_eq!(code(&mut server.command(&["put", "s", &input, "--csv-key", "k"])), Some(1));
    for arguments in [
        &["stream", "list"][..],
        &["stream", "show", "s"],
        &["stream", "show", "s", "--output", "json"],
        &["tail", "s", "--from", "horizon"],
        &["tail", "s", "--from", "horizon", "--output", "json"],
        &["tail", "s", "--from", "horizon", "--consumer", "c"],
        &["put", "s", &input],
    ] {
        assert_eq!(code(&mut server.command(arguments)), Some(0), "{arguments:?}");
    }
}
