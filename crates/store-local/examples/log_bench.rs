//! Measures the log against the bare device: `cargo run --release -p store-local --example log_bench -- DIR`.
//!
//! Prints latency of single appends beside that of bare writes, throughput of large groups, the time from an append to a
//! watcher, the time to read 1 GiB of journal back, and the memory of idle logs.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::time::SystemClock;
use store::record_batch::{RecordBatch, RecordBatchBuilder};
use store::root_key::{DataKey, RootKey, UnwrapError};
use store::shard_log::{Append, LogId, LogOptions, Position, ReadLimit, ShardLog};
use store_local::{LocalLog, LocalLogSettings};

const OPTIONS: LogOptions = LogOptions { retention: Duration::from_secs(86_400), closed: false };

/// Keeps data keys as they are: nothing is encrypted here.
struct NoKey;

impl RootKey for NoKey {
    fn id(&self) -> &str {
        "none"
    }

    fn wrap(&self, data_key: &DataKey) -> Vec<u8> {
        data_key.to_vec()
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<DataKey, UnwrapError> {
        let reason = "wrong length".to_owned();
        wrapped.try_into().map_err(|_| UnwrapError { root_key_id: "none".to_owned(), reason })
    }
}

fn main() {
    let dir = PathBuf::from(std::env::args().nth(1).unwrap_or_else(|| "target/log_bench".to_owned()));
    std::fs::create_dir_all(&dir).expect("directory");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("runtime");
    let log_dir = dir.join("log");
    // A directory left by an earlier run may be missing.
    let _ = std::fs::remove_dir_all(&log_dir);
    let started = Instant::now();
    let log = open(&log_dir);
    println!("open an empty directory: {:?}", started.elapsed());
    let before = resident_kib();
    (0..10_000).for_each(|id| log.open(LogId(id), OPTIONS));
    println!("10,000 idle logs: {} KiB", resident_kib() - before);
    bare_writes(&dir);
    runtime.block_on(single_appends(&log));
    bare_writes(&dir);
    runtime.block_on(single_appends(&log));
    runtime.block_on(watchers(&log));
    runtime.block_on(large_groups(&log, 1 << 30));
    println!("from memory:");
    let next = log.bounds(LogId(10)).expect("bounds").next.0;
    runtime.block_on(catch_up(&log, Position(next - 100_000)));
    println!("status: {:?}", log.status());
    drop(log);
    let started = Instant::now();
    let log = open(&log_dir);
    println!("read the journal back: {:?}", started.elapsed());
    (0..16).for_each(|id| log.open(LogId(id), OPTIONS));
    log.all_logs_open();
    println!("while journals are rewritten into segments:");
    runtime.block_on(large_groups(&log, 1 << 30));
    runtime.block_on(single_appends(&log));
    runtime.block_on(catch_up(&log, Position(0)));
    println!("status: {:?}", log.status());
    let started = Instant::now();
    drop(log);
    println!("shut down: {:?}", started.elapsed());
}

fn open(dir: &Path) -> Arc<LocalLog> {
    LocalLog::open(&LocalLogSettings::new(dir), Arc::new(SystemClock), Arc::new(NoKey), None).expect("opens")
}

fn batch(record_bytes: usize, records: usize) -> RecordBatch {
    let mut builder = RecordBatchBuilder::with_capacity(records, records * (record_bytes + 8));
    (0..records).for_each(|_| builder.push("partition", &vec![b'x'; record_bytes]));
    builder.build()
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    println!("{what}: p50 {:?} p99 {:?}", times[times.len() / 2], times[times.len() * 99 / 100]);
}

/// 4 KiB writes into a pre-written file, each on the device before the next.
fn bare_writes(dir: &Path) {
    let path = dir.join("bare");
    File::create(&path).and_then(|file| file.write_all_at(&vec![0; 16 << 20], 0).and(file.sync_all())).expect("file");
    let storage = vec![0u8; 8192];
    let start = storage.as_ptr().align_offset(4096);
    let block = &storage[start..start + 4096];
    let flags = (rustix::fs::OFlags::DIRECT | rustix::fs::OFlags::DSYNC).bits().cast_signed();
    let direct = OpenOptions::new().write(true).custom_flags(flags).open(&path).expect("opens");
    let buffered = OpenOptions::new().write(true).open(&path).expect("opens");
    let timed = |write: &dyn Fn(u64)| -> Vec<Duration> {
        let one = |i: u64| {
            let started = Instant::now();
            write(i % 4096 * 4096);
            started.elapsed()
        };
        (0..2000).map(one).collect()
    };
    report("bare 4 KiB direct write", timed(&|at| direct.write_all_at(block, at).expect("write")));
    let flushed = |at| buffered.write_all_at(block, at).and_then(|()| buffered.sync_data()).expect("write");
    report("bare 4 KiB write and flush", timed(&flushed));
}

async fn single_appends(log: &Arc<LocalLog>) {
    let log = Arc::clone(log);
    let records = batch(150, 1);
    let task = tokio::spawn(async move {
        let mut times = Vec::new();
        for i in 0..3000 {
            let started = Instant::now();
            let append = Append { log: LogId(i % 4), records: records.clone(), encrypted: false };
            log.append(vec![append]).await.expect("append")[0].expect("accepted");
            times.push(started.elapsed());
        }
        times
    });
    report("append of 150 bytes", task.await.expect("task"));
}

async fn watchers(log: &Arc<LocalLog>) {
    let mut watch = log.watch(LogId(9)).expect("watch");
    let (sent, mut woken) = tokio::sync::mpsc::unbounded_channel();
    let watcher = tokio::spawn(async move {
        while watch.changed().await.is_ok() {
            let _ = watch.borrow_and_update();
            if sent.send(Instant::now()).is_err() {
                return;
            }
        }
    });
    let mut times = Vec::new();
    for _ in 0..500 {
        let append = Append { log: LogId(9), records: batch(150, 1), encrypted: false };
        log.append(vec![append]).await.expect("append")[0].expect("accepted");
        let acknowledged = Instant::now();
        times.push(woken.recv().await.expect("woken").saturating_duration_since(acknowledged));
    }
    watcher.abort();
    report("watcher after acknowledgement", times);
}

async fn large_groups(log: &Arc<LocalLog>, bytes: usize) {
    let records = batch(100, 64 * 1024 / 115);
    let rounds = bytes / records.bytes().len() / 16;
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let tasks: Vec<_> = (0..16u64)
        .map(|writer| {
            let (log, records) = (Arc::clone(log), records.clone());
            tokio::spawn(async move {
                for _ in 0..rounds {
                    let append = Append { log: LogId(writer), records: records.clone(), encrypted: false };
                    log.append(vec![append]).await.expect("append")[0].expect("accepted");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("task");
    }
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let (mib, count) = ((bytes >> 20) as f64, (rounds * 16) as f64 * f64::from(records.count()));
    println!("64 KiB groups from 16 tasks: {:.0} MiB/s, {:.2} CPU-s per GiB", mib / seconds, cpu / (mib / 1024.0));
    println!(
        "  of records of 100 bytes: {:.2} million/s, {:.3} CPU-s per million",
        count / seconds / 1e6,
        cpu / count * 1e6
    );
}

/// Reads one log to its end.
async fn catch_up(log: &Arc<LocalLog>, start: Position) {
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let (mut from, mut bytes) = (start, 0);
    loop {
        let run = log.read(LogId(10), from, ReadLimit { records: 10_000, bytes: 10 << 20 }).await.expect("read");
        if run.records.is_empty() {
            break;
        }
        bytes += run.records.iter().map(|record| record.data.len()).sum::<usize>();
        from = run.next;
    }
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    let count = (from.0 - start.0) as f64;
    println!(
        "catch up: {:.0} MiB/s of data, {:.2} million records/s",
        bytes as f64 / seconds / 1_048_576.0,
        count / seconds / 1e6
    );
    println!("  {:.3} CPU-s per million records", cpu / count * 1e6);
}

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").expect("stat");
    let ticks = text.rsplit(')').next().map(|rest| rest.split_whitespace().skip(11).take(2));
    ticks.map_or(0.0, |ticks| ticks.filter_map(|tick| tick.parse::<f64>().ok()).sum::<f64>() / 100.0)
}

fn resident_kib() -> i64 {
    let text = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = text.lines().find(|line| line.starts_with("VmRSS:")).expect("resident size");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}
