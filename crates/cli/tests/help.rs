//! What `--help` says, word for word.

use crate::harness::{command, run};

fn check(arguments: &[&str], expected: &str) {
    let ended = run(&mut command(arguments));
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let out: Vec<&str> = ended.out.lines().map(str::trim_end).collect();
    assert_eq!(out.join("\n").trim_end(), expected.trim(), "{arguments:?}");
}

#[test]
fn the_whole() {
    check(
        &["-h"],
        r"
Amazon Kinesis as open software: the server, and commands for people

Usage: anabranch <COMMAND>

Commands:
  serve        Run the server
  config       Look at the settings of a server
  keys         Make, list and delete access keys of a data directory
  stream       Create, look at, reshard and delete streams
  put          Write a file or standard input into a stream, one record a line
  tail         Print the records of a stream as they come
  top          Show live rates per stream and shard
  agent        Ship log files to streams, by the configuration file of the Kinesis Agent
  completions  Print the completions for a shell

Options:
  -h, --help     Print help (see more with '--help')
  -V, --version  Print version
",
    );
}

#[test]
fn streams() {
    check(
        &["stream", "-h"],
        r"
Create, look at, reshard and delete streams

Usage: anabranch stream <COMMAND>

Commands:
  create  Create a stream
  list    List the streams of a region and account
  show    Show a stream, its shards and its consumers
  split   Split a shard in two
  merge   Merge two neighbouring shards into one
  scale   Change the number of open shards to a new one, of equal width
  delete  Delete a stream and all of its records

Options:
  -h, --help  Print help
",
    );
}

#[test]
fn creating_a_stream() {
    check(
        &["stream", "create", "-h"],
        r"
Create a stream

Usage: anabranch stream create [OPTIONS] <NAME>

Arguments:
  <NAME>  Name of the stream: letters, digits, `_`, `.` and `-`

Options:
      --shards <N>       Number of shards [default: 1]
      --on-demand        Let the server choose the number of shards by the load
      --wait             Wait until the stream can be used
      --output <FORMAT>  How to print [default: table] [possible values: table, json]
  -h, --help             Print help (see more with '--help')

Connection:
      --endpoint <URL>   Address of the server [env: AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL] [default: http://127.0.0.1:4567]
      --region <REGION>  Region to sign for [env: AWS_REGION, AWS_DEFAULT_REGION] [default: that of the profile, or us-east-1]
      --profile <NAME>   Profile in ~/.aws to take keys and region from; its keys win over those of the environment [env: AWS_PROFILE]
      --ca <FILE>        File with the certificate authority to trust (PEM) [env: AWS_CA_BUNDLE]
",
    );
}

#[test]
fn putting() {
    check(
        &["put", "-h"],
        r"
Write a file or standard input into a stream, one record a line

Usage: anabranch put [OPTIONS] <STREAM> [FILE]

Arguments:
  <STREAM>  Name of the stream
  [FILE]    File to read; - is standard input [default: -]

Options:
      --key-from <SOURCE>    Where partition keys come from: random, hash (of the line), csv=COLUMN, json=MEMBER or fixed=KEY [default: random]
      --csv-key <COLUMN>     The input is CSV: skip its first line and take partition keys from this column; short for --key-from csv=COLUMN
      --concurrency <N>      Requests under way at a time; with more than one, records of a key may change their order [default: 1]
      --retry-for <SECONDS>  Give a record up after so many seconds of refusals and failures; those after it are then tried once, until one is written [default: 60]
      --rejects <FILE>       Write the lines that could not be written to this file, below the first line when the input is CSV
      --output <FORMAT>      How to print what was done [default: table] [possible values: table, json]
  -h, --help                 Print help (see more with '--help')

Connection:
      --endpoint <URL>   Address of the server [env: AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL] [default: http://127.0.0.1:4567]
      --region <REGION>  Region to sign for [env: AWS_REGION, AWS_DEFAULT_REGION] [default: that of the profile, or us-east-1]
      --profile <NAME>   Profile in ~/.aws to take keys and region from; its keys win over those of the environment [env: AWS_PROFILE]
      --ca <FILE>        File with the certificate authority to trust (PEM) [env: AWS_CA_BUNDLE]
",
    );
}

#[test]
fn tailing() {
    check(
        &["tail", "-h"],
        r"
Print the records of a stream as they come

Usage: anabranch tail [OPTIONS] <STREAM>

Arguments:
  <STREAM>  Name of the stream

Options:
      --from <WHERE>     Where to begin: horizon (the oldest record), latest, a time such as 2026-01-31T12:00:00Z, or how long ago, such as 15m [default: latest]
      --consumer <NAME>  Read as this fan-out consumer, pushed by the server; it is registered when it does not exist, and then removed at the end
      --no-follow        Stop when every record that is there has been printed [alias: --until-caught-up]
      --limit <N>        Stop after so many records
      --interval <MS>    Pause between two reads of a shard, in milliseconds; AWS allows five reads a second to all readers together [default: 250]
      --output <FORMAT>  How to print a record: its data as a line, or an object with its key, number, shard and time [default: text] [possible values: text, json]
  -h, --help             Print help (see more with '--help')

Connection:
      --endpoint <URL>   Address of the server [env: AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL] [default: http://127.0.0.1:4567]
      --region <REGION>  Region to sign for [env: AWS_REGION, AWS_DEFAULT_REGION] [default: that of the profile, or us-east-1]
      --profile <NAME>   Profile in ~/.aws to take keys and region from; its keys win over those of the environment [env: AWS_PROFILE]
      --ca <FILE>        File with the certificate authority to trust (PEM) [env: AWS_CA_BUNDLE]
",
    );
}

#[test]
fn looking_at_rates() {
    check(
        &["top", "-h"],
        r"
Show live rates per stream and shard

Usage: anabranch top [OPTIONS] [STREAM]

Arguments:
  [STREAM]  Show this stream alone

Options:
      --interval <SECONDS>  Seconds between two looks [default: 2]
      --count <N>           Stop after so many looks [default: go on]
      --shards <N>          Shards to show for each stream at most, the busiest first [default: 20]
      --output <FORMAT>     How to print [default: table] [possible values: table, json]
  -h, --help                Print help (see more with '--help')

Connection:
      --endpoint <URL>   Address of the server [env: AWS_ENDPOINT_URL_KINESIS, AWS_ENDPOINT_URL] [default: http://127.0.0.1:4567]
      --region <REGION>  Region to sign for [env: AWS_REGION, AWS_DEFAULT_REGION] [default: that of the profile, or us-east-1]
      --profile <NAME>   Profile in ~/.aws to take keys and region from; its keys win over those of the environment [env: AWS_PROFILE]
      --ca <FILE>        File with the certificate authority to trust (PEM) [env: AWS_CA_BUNDLE]
",
    );
}

#[test]
fn making_keys() {
    check(
        &["keys", "create", "-h"],
        r"
Make a key and print it; its secret is shown this once

Usage: anabranch keys create [OPTIONS]

Options:
      --account <ACCOUNT>     Account that the key acts for [default: that of the settings, or 000000000000]
      --output <FORMAT>       How to print [default: table] [possible values: table, json]
      --data <DIR>            Data directory of the server [default: anabranch-data] [env: ANABRANCH_DATA]
      --root-key-file <FILE>  File with the root key [default: one in the data directory] [env: ANABRANCH_ROOT_KEY_FILE]
      --config <FILE>         Settings file of the server, for what no flag says [env: ANABRANCH_CONFIG]
  -h, --help                  Print help (see more with '--help')
",
    );
}

#[test]
fn serving() {
    check(
        &["serve", "-h"],
        r"
Run the server

Usage: anabranch serve [OPTIONS]

Options:
      --ready-file <FILE>  Write the endpoint to this file as soon as requests are answered
  -h, --help               Print help (see more with '--help')

Settings:
      --config <FILE>                Settings file (TOML); its keys are the long names of the flags below [env: ANABRANCH_CONFIG]
      --data <DIR>                   Data directory [default: anabranch-data] [env: ANABRANCH_DATA]
      --listen <ADDRESS>             Address for HTTP/1.1 and HTTP/2 without TLS; port 0 takes a free one [default: 127.0.0.1:4567] [env: ANABRANCH_LISTEN]
      --tls <MODE>                   Listen with TLS too: auto (a local CA), off, or CERTIFICATE,KEY (PEM files) [default: off] [env: ANABRANCH_TLS]
      --tls-listen <ADDRESS>         Address for TLS [default: 127.0.0.1:4568] [env: ANABRANCH_TLS_LISTEN]
      --region <REGION>              Serve this region alone [default: the region that each request is signed for] [env: ANABRANCH_REGION]
      --account <ACCOUNT>            Account of the first key and of callers without one [default: 000000000000] [env: ANABRANCH_ACCOUNT]
      --auth <SWITCH>                Check signatures: on or off; off only on loopback addresses [default: on] [env: ANABRANCH_AUTH]
      --access-key-id <ID>           Access key to know besides those of the data directory [env: ANABRANCH_ACCESS_KEY_ID]
      --secret-access-key <SECRET>   Its secret; better given as a variable or in the file [env: ANABRANCH_SECRET_ACCESS_KEY]
      --limits <SWITCH>              AWS's limits of throughput: on or off [default: on] [env: ANABRANCH_LIMITS]
      --durability <MODE>            What an acknowledged record has survived: sync, interval=DURATION or none [default: sync] [env: ANABRANCH_DURABILITY]
      --dev[=<SWITCH>]               For tests: everything in memory, no authentication, and a control API for the clock and faults [env: ANABRANCH_DEV]
      --transition-delay <DURATION>  How long streams stay in CREATING, UPDATING and DELETING [default: 0s] [env: ANABRANCH_TRANSITION_DELAY]
      --root-key-file <FILE>         File with the root key for encryption at rest [default: one in the data directory] [env: ANABRANCH_ROOT_KEY_FILE]
      --tail-memory <SIZE>           Memory for recent records [default: 256MiB, less where memory is short] [env: ANABRANCH_TAIL_MEMORY]
      --append-memory <SIZE>         Memory for records on their way to the disk [default: 64MiB, less where memory is short] [env: ANABRANCH_APPEND_MEMORY]
      --journal-file <SIZE>          Size of one journal file [default: 64MiB] [env: ANABRANCH_JOURNAL_FILE]
      --body-memory <SIZE>           Memory for request bodies [default: 256MiB, less where memory is short] [env: ANABRANCH_BODY_MEMORY]
      --connections-max <N>          Open connections at a time [default: 10000] [env: ANABRANCH_CONNECTIONS_MAX]
      --worker-threads <N>           Threads that serve requests [default: one per core] [env: ANABRANCH_WORKER_THREADS]
      --drain <DURATION>             How long a stopping server waits for requests under way [default: 10s] [env: ANABRANCH_DRAIN]
      --log-level <LEVEL>            What is logged: error, warn, info, debug, trace, or a filter such as info,gateway=debug [default: info] [env: ANABRANCH_LOG_LEVEL]
      --log-format <FORMAT>          How logs are written to standard error: text or json [default: text] [env: ANABRANCH_LOG_FORMAT]
",
    );
}

#[test]
fn long_help_says_more() {
    for (name, words) in [
        ("serve", "a second one stops at once."),
        ("keys", "A running server learns of changes within seconds."),
        ("put", "A record is a line without its end, LF or CRLF."),
        ("tail", "Follows every shard, "),
        ("top", "Reads the counters that an Anabranch server publishes under /metrics"),
        ("completions", "For fish: anabranch completions fish > ~/.config/fish/completions/anabranch.fish\n"),
    ] {
        let ended = run(&mut command(&[name, "--help"]));
        assert!(ended.code == Some(0) && ended.out.contains(words), "{name}: {}", ended.out);
    }
}

#[test]
fn every_command_has_long_help_and_completions() {
    for arguments in [
        &["config", "check", "--help"][..],
        &["keys", "list", "--help"],
        &["stream", "split", "--help"],
        &["completions", "--help"],
    ] {
        let ended = run(&mut command(arguments));
        assert!(ended.code == Some(0) && ended.out.contains("Usage: anabranch "), "{arguments:?}: {}", ended.out);
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = run(&mut command(&["completions", shell]));
        assert!(ended.code == Some(0) && ended.out.contains("anabranch"), "{shell}");
    }
    let version = run(&mut command(&["--version"]));
    assert_eq!(version.out, concat!("anabranch ", env!("CARGO_PKG_VERSION"), "\n"));
}
