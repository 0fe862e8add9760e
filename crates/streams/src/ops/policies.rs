//! PutResourcePolicy, GetResourcePolicy and DeleteResourcePolicy: policies are stored and returned.

use api::kinesis::{
    DeleteResourcePolicyInput, DeleteResourcePolicyOutput, GetResourcePolicyInput, GetResourcePolicyOutput,
    KinesisError, PutResourcePolicyInput, PutResourcePolicyOutput,
};
use base::ByteString;
use base::arn::ResourceArn;
use base::caller::Caller;
use store::catalog::Transaction;

use super::stream_named;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::rows::{PolicyRow, keys};

/// Calls per second of each operation.
const CALLS: usize = 5;
/// Bytes of a policy document.
const POLICY_BYTES_MAX: usize = 20 * 1024;

fn key(incarnation: u64, resource: &ResourceArn) -> String {
    match resource {
        ResourceArn::Stream(_) => keys::policy(incarnation, None),
        ResourceArn::Consumer(arn) => keys::policy(incarnation, Some(arn.consumer.as_str())),
    }
}

pub async fn put(core: &Core, caller: &Caller, input: PutResourcePolicyInput) -> Answer<PutResourcePolicyOutput> {
    core.admit_call(caller, "PutResourcePolicy", CALLS, stream_named(None, Some(&input.resource_arn)))?;
    let (stream, resource) = core.resolve_resource(caller, "PutResourcePolicy", &input.resource_arn)?;
    if input.policy.len() > POLICY_BYTES_MAX {
        return Err(KinesisError::limit_exceeded(format!(
            "The policy cannot be larger than {POLICY_BYTES_MAX} bytes."
        )));
    }
    let document: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(&input.policy);
    if document.map_or(true, |document| !document.contains_key("Statement")) {
        return Err(KinesisError::invalid_argument("Policy document is malformed."));
    }
    let _change = stream.change.lock().await;
    core.check_resource(&stream, &resource)?;
    let row = PolicyRow(input.policy.to_string());
    let transaction = Transaction::new().put(key(stream.incarnation, &resource), row.encode());
    core.catalog.commit(transaction).await.map_err(error::catalog)?;
    Ok(PutResourcePolicyOutput {})
}

pub async fn get(core: &Core, caller: &Caller, input: GetResourcePolicyInput) -> Answer<GetResourcePolicyOutput> {
    core.admit_call(caller, "GetResourcePolicy", CALLS, stream_named(None, Some(&input.resource_arn)))?;
    let (stream, resource) = core.resolve_resource(caller, "GetResourcePolicy", &input.resource_arn)?;
    let row = core.catalog.get(&key(stream.incarnation, &resource)).await.map_err(error::catalog)?;
    let policy = match row {
        Some(row) => ByteString::from(PolicyRow::decode(&row.value).map_err(error::row)?.0),
        None => ByteString::from_static("{}"),
    };
    Ok(GetResourcePolicyOutput { policy })
}

pub async fn delete(
    core: &Core,
    caller: &Caller,
    input: DeleteResourcePolicyInput,
) -> Answer<DeleteResourcePolicyOutput> {
    core.admit_call(caller, "DeleteResourcePolicy", CALLS, stream_named(None, Some(&input.resource_arn)))?;
    let (stream, resource) = core.resolve_resource(caller, "DeleteResourcePolicy", &input.resource_arn)?;
    let _change = stream.change.lock().await;
    core.check_resource(&stream, &resource)?;
    let transaction = Transaction::new().delete(key(stream.incarnation, &resource));
    core.catalog.commit(transaction).await.map_err(error::catalog)?;
    Ok(DeleteResourcePolicyOutput {})
}
