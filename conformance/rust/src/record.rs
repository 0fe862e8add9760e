//! Notes which operations the SDK performed and how they ended, for docs/operations.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Mutex;

use aws_sdk_kinesis::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_kinesis::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_kinesis::error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::Metadata;

type Outcomes = BTreeMap<String, BTreeSet<String>>;

static OUTCOMES: Mutex<Outcomes> = Mutex::new(BTreeMap::new());

/// `outcome` is `ok` or the type of a modelled error.
pub(crate) fn note(operation: &str, outcome: &str) {
    let mut outcomes = OUTCOMES.lock().expect("nothing panics while it holds the lock");
    outcomes.entry(operation.to_owned()).or_default().insert(outcome.to_owned());
}

/// Adds what was noted to the file of earlier runs.
pub(crate) fn save() {
    let Some(folder) = std::env::var_os("ANABRANCH_RECORDED") else { return };
    let path = PathBuf::from(folder).join("rust.json");
    let mut known: Outcomes = std::fs::read(&path)
        .ok()
        .map(|text| serde_json::from_slice(&text).expect("an earlier run wrote it"))
        .unwrap_or_default();
    for (operation, outcomes) in &*OUTCOMES.lock().expect("nothing panics while it holds the lock") {
        known.entry(operation.clone()).or_default().extend(outcomes.iter().cloned());
    }
    let text = serde_json::to_string_pretty(&known).expect("maps of strings are JSON");
    std::fs::write(&path, text).expect("the record can be written");
}

/// Notes every call that succeeds.
#[derive(Debug)]
pub(crate) struct Recorder;

impl Intercept for Recorder {
    fn name(&self) -> &'static str {
        "Recorder"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(metadata), Ok(_)) = (bag.load::<Metadata>(), context.output_or_error()) {
            note(metadata.name(), "ok");
        }
        Ok(())
    }
}
