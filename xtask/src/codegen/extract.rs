//! Takes the facts out of botocore's service models: names, types, constraints, errors and bindings, no prose.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::model::Model;

/// Services whose facts are kept under `models/`, by the name of their directory in botocore.
pub const SERVICES: [&str; 16] = [
    "kinesis",
    "firehose",
    "kinesisanalytics",
    "kinesisanalyticsv2",
    "kinesisvideo",
    "kinesis-video-media",
    "kinesis-video-archived-media",
    "kinesis-video-signaling",
    "kinesis-video-webrtc-storage",
    "dynamodb",
    "cloudwatch",
    "kms",
    "sts",
    "iam",
    "lambda",
    "glue",
];

/// Writes `models/<service>.json` for every service from the botocore data directory.
pub fn run(data: &Path, models: &Path) -> Result<(), String> {
    for service in SERVICES {
        let text = service_model(&data.join(service))?;
        let model: Model = serde_json::from_slice(&text).map_err(|e| format!("{service}: {e}"))?;
        let path = models.join(format!("{service}.json"));
        fs::write(&path, compact(&model)?).map_err(|e| format!("{}: {e}", path.display()))?;
        println!("{service}: {} operations, {} shapes", model.operations.0.len(), model.shapes.0.len());
    }
    Ok(())
}

/// The newest version of a service's model.
fn service_model(directory: &Path) -> Result<Vec<u8>, String> {
    let fail = |e: std::io::Error| format!("{}: {e}", directory.display());
    let mut versions = Vec::new();
    for entry in fs::read_dir(directory).map_err(fail)? {
        versions.push(entry.map_err(fail)?.path());
    }
    versions.sort();
    let version = versions.last().ok_or_else(|| format!("{} is empty", directory.display()))?;
    let plain = version.join("service-2.json");
    if plain.exists() {
        return fs::read(plain).map_err(fail);
    }
    let output = Command::new("gzip").arg("-dc").arg(version.join("service-2.json.gz")).output().map_err(fail)?;
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// JSON with one operation and one shape to a line, so that a change of the model is a readable difference.
fn compact(model: &Model) -> Result<String, String> {
    let json = |value: Result<String, serde_json::Error>| value.map_err(|e| e.to_string());
    let mut text =
        format!("{{\n\"metadata\": {},\n\"operations\": {{\n", json(serde_json::to_string(&model.metadata))?);
    for (i, (name, operation)) in model.operations.iter().enumerate() {
        let comma = if i == 0 { "" } else { ",\n" };
        write!(text, "{comma}\"{name}\": {}", json(serde_json::to_string(operation))?).expect("a String takes all");
    }
    text.push_str("\n},\n\"shapes\": {\n");
    for (i, (name, shape)) in model.shapes.iter().enumerate() {
        let comma = if i == 0 { "" } else { ",\n" };
        write!(text, "{comma}\"{name}\": {}", json(serde_json::to_string(shape))?).expect("a String takes all");
    }
    text.push_str("\n}\n}\n");
    Ok(text)
}
