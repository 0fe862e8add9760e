//! `cargo xtask codegen`: from the facts of a service to its typed API.
//!
//! extract (botocore -> models/) · model (the facts) · plan (what to generate) · types, packed, errors, service,
//! patterns (the text) · files (layout and formatting).

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

mod automaton;
mod constraints;
mod errors;
mod extract;
mod files;
mod model;
mod names;
mod ordered;
mod packed;
mod patterns;
mod plan;
mod regex;
mod service;
mod types;
mod value;

use files::Files;
use model::Model;
use patterns::Patterns;
use plan::{Plan, Served, Target};

/// The services whose API is generated.
const TARGETS: &[Target] = &[
    Target {
        service: "kinesis",
        // Channels (managed delivery) and queues share the endpoint and are services of their own.
        served: Served::AllBut(&[
            "AcknowledgeDeadLetterQueueRecords",
            "AcknowledgeQueueRecords",
            "CreateChannel",
            "CreateQueue",
            "DeleteChannel",
            "DeleteQueue",
            "DescribeChannel",
            "DescribeQueue",
            "ListChannels",
            "ListQueues",
            "ReceiveDeadLetterQueueRecords",
            "ReceiveQueueRecords",
            "RestoreDeadLetterQueueRecords",
            "UpdateChannel",
            "UpdateDeadLetterQueueRecordsVisibility",
            "UpdateQueue",
            "UpdateQueueRecordsVisibility",
            "UpdateStreamRecordDistributionStrategy",
        ]),
        // Absent in the last event of a closed shard.
        optional: &["SubscribeToShardEvent.ContinuationSequenceNumber"],
        // Left out only with the distribution strategy AUTO, which needs an operation left out above.
        required: &["PutRecordInput.PartitionKey", "PutRecordsRequestEntry.PartitionKey", "Record.PartitionKey"],
        packed: &["PutRecordsRequestEntry", "PutRecordsResultEntry"],
    },
    Target {
        service: "dynamodb",
        // What leases, checkpoints and locks of stream clients are kept with.
        served: Served::Only(&[
            "BatchGetItem",
            "BatchWriteItem",
            "CreateTable",
            "DeleteItem",
            "DeleteTable",
            "DescribeContinuousBackups",
            "DescribeTable",
            "DescribeTimeToLive",
            "GetItem",
            "ListTables",
            "ListTagsOfResource",
            "PutItem",
            "Query",
            "Scan",
            "TagResource",
            "TransactWriteItems",
            "UntagResource",
            "UpdateContinuousBackups",
            "UpdateItem",
            "UpdateTable",
            "UpdateTimeToLive",
        ]),
        optional: &[],
        required: &[],
        packed: &[],
    },
    Target {
        service: "firehose",
        served: Served::Only(&["PutRecordBatch"]),
        optional: &[],
        required: &[],
        packed: &[],
    },
    Target { service: "sts", served: Served::Only(&["GetCallerIdentity"]), optional: &[], required: &[], packed: &[] },
    Target {
        service: "cloudwatch",
        served: Served::Only(&[
            "DeleteAlarms",
            "DescribeAlarms",
            "GetMetricData",
            "GetMetricStatistics",
            "ListMetrics",
            "PutMetricAlarm",
            "PutMetricData",
            "SetAlarmState",
        ]),
        optional: &[],
        required: &[],
        packed: &[],
    },
];

/// Runs the command.
pub fn run(arguments: &[&str]) -> Result<(), String> {
    let root = crate::root();
    match arguments {
        [] => TARGETS.iter().try_for_each(|target| write(&root, target)),
        ["--check"] => TARGETS.iter().try_for_each(|target| check(&root, target)),
        ["--extract", data] => extract::run(Path::new(data), &root.join("models")),
        _ => Err(crate::HELP.to_owned()),
    }
}

/// Names of the operations of a service whose API is generated: those of its model without the ones left out.
pub fn operations(service: &str) -> Result<BTreeSet<String>, String> {
    let target = TARGETS.iter().find(|t| t.service == service).ok_or_else(|| format!("{service} is not generated"))?;
    let model = load(&crate::root(), service)?;
    Ok(Plan::new(&model, target).operations.iter().map(|operation| operation.name.to_owned()).collect())
}

/// Replaces the generated files of one service.
fn write(root: &Path, target: &Target) -> Result<(), String> {
    let files = generate(root, target)?;
    let directory = directory(root, target);
    let fail = |e: std::io::Error| format!("{}: {e}", directory.display());
    if directory.exists() {
        fs::remove_dir_all(&directory).map_err(fail)?;
    }
    fs::create_dir_all(&directory).map_err(fail)?;
    for (name, text) in &files {
        fs::write(directory.join(name), text).map_err(fail)?;
    }
    println!("{}: {} files", directory.display(), files.len());
    Ok(())
}

/// Fails when the files of one service are not what its model gives.
fn check(root: &Path, target: &Target) -> Result<(), String> {
    let expected = generate(root, target)?;
    let directory = directory(root, target);
    let mut different = Vec::new();
    for entry in fs::read_dir(&directory).map_err(|e| format!("{}: {e}", directory.display()))? {
        let name = entry.map_err(|e| e.to_string())?.file_name().to_string_lossy().into_owned();
        if !expected.contains_key(&name) {
            different.push(name);
        }
    }
    for (name, text) in &expected {
        if fs::read_to_string(directory.join(name)).ok().as_ref() != Some(text) {
            different.push(name.clone());
        }
    }
    if different.is_empty() {
        return Ok(());
    }
    Err(format!("run `cargo xtask codegen`: {} differs in {}", directory.display(), different.join(", ")))
}

fn directory(root: &Path, target: &Target) -> PathBuf {
    root.join("crates/api/src").join(target.service.replace('-', "_"))
}

/// The formatted files of one service.
fn generate(root: &Path, target: &Target) -> Result<Files, String> {
    let model = load(root, target.service)?;
    let plan = Plan::new(&model, target);
    let patterns = Patterns::new(&plan);
    for pattern in &patterns.unrecognised {
        eprintln!("{}: not checked: {pattern}", target.service);
    }
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let run = RUNS.fetch_add(1, Ordering::Relaxed);
    let scratch = root.join("target/codegen").join(format!("{}-{}-{run}", target.service, std::process::id()));
    files::format(files::generate(&plan, &patterns), root, &scratch)
}

fn load(root: &Path, service: &str) -> Result<Model, String> {
    let path = root.join("models").join(format!("{service}.json"));
    let text = fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_slice(&text).map_err(|e| format!("{}: {e}", path.display()))
}

#[cfg(test)]
mod tests;
