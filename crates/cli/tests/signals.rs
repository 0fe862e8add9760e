//! Commands that are asked to stop, and input that comes slowly.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::harness::{Server, wait_for};

fn signal(process: &Child, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &process.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
}

fn spawn(server: &Server, arguments: &[&str]) -> Child {
    let mut command = server.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
}

/// Exit code, standard output and standard error.
fn end(mut process: Child) -> (Option<i32>, String, String) {
    let code = process.wait().expect("a child").code();
    let (mut out, mut err) = (String::new(), String::new());
    process.stdout.take().expect("piped").read_to_string(&mut out).expect("text");
    process.stderr.take().expect("piped").read_to_string(&mut err).expect("text");
    (code, out, err)
}

#[test]
fn what_is_in_a_pipe_does_not_wait_for_more() {
    for asked_by in ["INT", "TERM"] {
        let server = Server::start(&[]);
        server.anabranch(&["stream", "create", "s", "--wait"]);
        let mut put = spawn(&server, &["put", "s"]);
        let mut input = put.stdin.take().expect("piped");
        for (text, wanted) in [("a\nb\nc", "a\nb\n"), ("d\n", "a\nb\ncd\n"), ("e\n", "a\nb\ncd\ne\n")] {
            input.write_all(text.as_bytes()).expect("it reads");
            wait_for("records", || {
                let found = server.anabranch(&["tail", "s", "--from", "horizon", "--no-follow", "--interval", "10"]);
                (found == wanted).then_some(())
            });
        }
        signal(&put, asked_by);
        let (code, out, err) = end(put);
        assert_eq!(code, Some(130));
        // The answer for the last one may still be on its way.
        let counts = ["3 records written to s in ", "4 records written to s in "];
        assert!(counts.iter().any(|count| out.starts_with(count)), "{out}");
        assert!(err.starts_with("anabranch: stopped before the end of the input"), "{err}");
    }
}

#[test]
fn a_tail_that_is_stopped_takes_its_consumer_along() {
    let server = Server::start(&[]);
    server.anabranch(&["stream", "create", "s", "--wait"]);
    let consumers = || {
        // Consumers may be listed five times a second.
        sleep(Duration::from_millis(250));
        server.anabranch_json(&["stream", "show", "s"])["Consumers"].as_array().map(Vec::len)
    };
    for asked_by in ["INT", "TERM"] {
        let tail = spawn(&server, &["tail", "s", "--consumer", "c"]);
        wait_for("a consumer", || (consumers() == Some(1)).then_some(()));
        signal(&tail, asked_by);
        assert_eq!(end(tail), (Some(0), String::new(), String::new()));
        assert_eq!(consumers(), Some(0));
    }
}
