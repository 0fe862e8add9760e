//! Carries out the actions of alarms: a POST to a URL, or a record into a stream.

use std::sync::Arc;
use std::time::Duration;

use api::kinesis::PutRecordInput;
use base::Bytes;
use base::caller::Caller;

use crate::alarm::book::Promised;
use crate::core::Core;
use crate::rows::ActionRow;

/// Actions carried out side by side.
pub const AT_ONCE_MAX: usize = 16;
/// How long one attempt may take.
const ATTEMPT_MAX: Duration = Duration::from_secs(5);
/// Pauses between attempts.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(30)];

/// Begins to carry out what was promised. An action goes from the catalog once somebody has taken it, or nobody has
/// after all attempts.
pub fn begin(core: &Arc<Core>, promised: Vec<Promised>) {
    for promise in promised {
        let core = Arc::clone(core);
        tokio::spawn(async move { deliver(&core, &promise).await });
    }
}

async fn deliver(core: &Core, promise: &Promised) {
    let action = &promise.action;
    let mut pauses = PAUSES.iter();
    loop {
        match attempt(core, action).await {
            Ok(()) => break,
            Err(reason) => {
                let Some(pause) = pauses.next() else {
                    tracing::error!(
                        alarm = action.alarm,
                        target = action.target,
                        reason,
                        "an alarm's action is given up"
                    );
                    break;
                };
                tracing::warn!(alarm = action.alarm, target = action.target, reason, "an alarm's action failed");
                tokio::time::sleep(*pause).await;
            }
        }
    }
    if let Err(error) = core.book.done(promise).await {
        tracing::warn!(%error, alarm = action.alarm, "an alarm's action will be carried out again after a restart");
    }
}

async fn attempt(core: &Core, action: &ActionRow) -> Result<(), String> {
    let _turn = core.deliveries.acquire().await.map_err(|closed| closed.to_string())?;
    let running =
        async { if action.target.starts_with("arn:") { put(core, action).await } else { post(core, action).await } };
    let timed_out = |_| format!("no answer after {} seconds", ATTEMPT_MAX.as_secs());
    tokio::time::timeout(ATTEMPT_MAX, running).await.map_err(timed_out)?
}

async fn post(core: &Core, action: &ActionRow) -> Result<(), String> {
    match core.webhook.post(&action.target, Bytes::from(action.body.clone())).await? {
        200..300 => Ok(()),
        status => Err(format!("status {status}")),
    }
}

async fn put(core: &Core, action: &ActionRow) -> Result<(), String> {
    let caller =
        Caller { account: action.scope.account.clone(), region: action.scope.region.clone(), access_key_id: None };
    let input = PutRecordInput {
        stream_arn: Some(action.target.as_str().into()),
        partition_key: action.alarm.as_str().into(),
        data: Bytes::from(action.body.clone()),
        ..PutRecordInput::default()
    };
    core.kinesis.put_record(&caller, input).await.map(drop).map_err(|error| error.to_string())
}
