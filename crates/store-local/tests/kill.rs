//! A process that appends under load is killed, again and again: every acknowledged record is there, once, at its position.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base::time::SystemClock;
use store::record_batch::RecordBatchBuilder;
use store::root_key::{DataKey, RootKey, UnwrapError};
use store::shard_log::{Append, LogId, LogOptions, Position, ReadLimit, ShardLog};
use store_local::{LocalLog, LocalLogSettings};

const DIR_VARIABLE: &str = "STORE_LOCAL_KILL_DIR";
const LOGS: u64 = 3;
const ROUNDS: u64 = 8;

struct PlainKey;

impl RootKey for PlainKey {
    fn id(&self) -> &str {
        "plain"
    }

    fn wrap(&self, data_key: &DataKey) -> Vec<u8> {
        data_key.to_vec()
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, UnwrapError> {
        let reason = "wrong length".to_owned();
        wrapped.try_into().map_err(|_| UnwrapError { root_key_id: "plain".to_owned(), reason })
    }
}

fn open(dir: &Path) -> Arc<LocalLog> {
    let settings = LocalLogSettings {
        journal_bytes_min: 256 << 10,
        journal_bytes_max: 1 << 20,
        tail_budget_bytes: 100_000,
        ..LocalLogSettings::new(dir)
    };
    let log = LocalLog::open(&settings, Arc::new(SystemClock), Arc::new(PlainKey), None).expect("opens");
    for id in 0..LOGS {
        log.open(LogId(id), LogOptions { retention: Duration::from_secs(86_400), closed: false });
    }
    log.all_logs_open();
    log
}

/// The process that is killed. Does nothing when it is run as a test of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writer() {
    let Ok(dir) = std::env::var(DIR_VARIABLE) else { return };
    let log = open(Path::new(&dir));
    let tasks: Vec<_> = (0..8u64)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for i in 0u64.. {
                    append_and_tell(&log, task, i).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("runs until it is killed");
    }
}

async fn append_and_tell(log: &LocalLog, task: u64, i: u64) {
    let text = format!("{}/{task}/{i}/{}", std::process::id(), "x".repeat((i % 700) as usize));
    let id = (task + i) % LOGS;
    let mut records = RecordBatchBuilder::default();
    records.push("key", text.as_bytes());
    let append = Append { log: LogId(id), records: records.build(), encrypted: task == 0 };
    let first = log.append(vec![append]).await.expect("append")[0].expect("accepted").first;
    let line = format!("acknowledged {id} {} {text}\n", first.0);
    // The reader may be gone by the time the process is killed.
    let _ = std::io::stdout().write_all(line.as_bytes());
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut acknowledged: HashMap<(u64, u64), String> = HashMap::new();
    for round in 0..ROUNDS {
        let before = acknowledged.len();
        run_and_kill(dir.path(), Duration::from_millis(60 + round * 37), &mut acknowledged);
        assert!(acknowledged.len() > before, "round {round} has acknowledged something");
        let log = open(dir.path());
        let mut found = 0;
        for id in 0..LOGS {
            found += check(&log, id, &acknowledged).await;
        }
        assert_eq!(found, acknowledged.len(), "round {round}");
    }
}

/// Runs the writer for a while, kills it, and notes what it has told.
fn run_and_kill(dir: &Path, life: Duration, acknowledged: &mut HashMap<(u64, u64), String>) {
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "writer", "--nocapture"])
        .env(DIR_VARIABLE, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("child");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    let mut until = None;
    while lines.read_line(&mut line).expect("UTF-8") > 0 {
        if let Some((id, position, text)) = line.strip_suffix('\n').and_then(parse) {
            let before = acknowledged.insert((id, position), text.to_owned());
            assert_eq!(before, None, "position {position} of log {id} was given twice");
            let now = std::time::Instant::now();
            if now >= *until.get_or_insert(now + life) {
                child.kill().expect("kill");
            }
        }
        line.clear();
    }
    child.wait().expect("ended");
}

/// Log, position and text of an acknowledgement; a line that was cut by the kill is none.
fn parse(line: &str) -> Option<(u64, u64, &str)> {
    let mut parts = line.split_once("acknowledged ")?.1.splitn(3, ' ');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?))
}

/// Reads a whole log; answers how many of its records had been acknowledged.
async fn check(log: &LocalLog, id: u64, acknowledged: &HashMap<(u64, u64), String>) -> usize {
    let mut from = Position(0);
    let mut found = 0;
    loop {
        let run = log.read(LogId(id), from, ReadLimit { records: 1000, bytes: 100_000 }).await.expect("read");
        if run.records.is_empty() {
            break;
        }
        for record in run.records {
            assert_eq!(record.position, from, "no gaps");
            from.0 += 1;
            if let Some(text) = acknowledged.get(&(id, record.position.0)) {
                assert_eq!(record.data, text.as_bytes(), "log {id} at {:?}", record.position);
                found += 1;
            }
        }
    }
    found
}
