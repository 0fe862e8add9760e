//! StartStreamEncryption and StopStreamEncryption. The log encrypts what is appended while encryption is on; what was
//! stored before stays as it is.

use api::kinesis::{
    EncryptionType, KinesisError, StartStreamEncryptionInput, StartStreamEncryptionOutput, StopStreamEncryptionInput,
    StopStreamEncryptionOutput,
};
use base::caller::Caller;

use crate::change;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::transition::{Change, use_ration};

/// Starts, and stops, of a stream in 24 hours.
const SWITCHES_MAX: usize = 25;

pub async fn start(
    core: &Core,
    caller: &Caller,
    input: StartStreamEncryptionInput,
) -> Answer<StartStreamEncryptionOutput> {
    const OPERATION: &str = "StartStreamEncryption";
    let stream = core.resolve(caller, OPERATION, input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    check_type(&input.encryption_type)?;
    if !is_key_id(&input.key_id) {
        return Err(KinesisError::kms_not_found(format!("Invalid keyId {}", input.key_id)));
    }
    let _change = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    let mut row = snapshot.row.clone();
    if !use_ration(&mut row.history.encryption_starts, SWITCHES_MAX, core.now()) {
        return Err(error::encryption_rate(&stream.arn, OPERATION, SWITCHES_MAX));
    }
    change::begin(core, &stream, row, Change::Encrypt { key_id: input.key_id.to_string() }).await?;
    Ok(StartStreamEncryptionOutput {})
}

pub async fn stop(
    core: &Core,
    caller: &Caller,
    input: StopStreamEncryptionInput,
) -> Answer<StopStreamEncryptionOutput> {
    const OPERATION: &str = "StopStreamEncryption";
    let stream = core.resolve(caller, OPERATION, input.stream_name.as_ref(), input.stream_arn.as_ref())?;
    check_type(&input.encryption_type)?;
    // No error of the key service is modelled for this operation.
    if !is_key_id(&input.key_id) {
        return Err(KinesisError::invalid_argument(format!("Invalid keyId {}", input.key_id)));
    }
    let _change = stream.change.lock().await;
    let snapshot = core.active(&stream)?;
    let mut row = snapshot.row.clone();
    if !use_ration(&mut row.history.encryption_stops, SWITCHES_MAX, core.now()) {
        return Err(error::encryption_rate(&stream.arn, OPERATION, SWITCHES_MAX));
    }
    change::begin(core, &stream, row, Change::Decrypt).await?;
    Ok(StopStreamEncryptionOutput {})
}

fn check_type(encryption: &EncryptionType) -> Answer<()> {
    match encryption {
        EncryptionType::Kms => Ok(()),
        EncryptionType::None | EncryptionType::Unknown(_) => {
            Err(KinesisError::invalid_argument(format!("EncryptionType must be KMS. Specified value was {encryption}")))
        }
    }
}

/// Whether this is a key id, a key ARN, an alias or an alias ARN, by their form.
fn is_key_id(key_id: &str) -> bool {
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_/:.".contains(&b));
    match key_id.strip_prefix("arn:") {
        Some(arn) => {
            let parts: Vec<&str> = arn.splitn(5, ':').collect();
            parts.len() == 5
                && parts[0].starts_with("aws")
                && parts[1] == "kms"
                && (parts[4].strip_prefix("key/").or(parts[4].strip_prefix("alias/"))).is_some_and(is_word)
        }
        None => is_word(key_id.strip_prefix("alias/").unwrap_or(key_id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_have_four_forms() {
        for key in [
            "alias/aws/kinesis",
            "12345678-1234-1234-1234-123456789012",
            "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012",
            "arn:aws:kms:us-east-1:123456789012:alias/mine",
        ] {
            assert!(is_key_id(key), "{key}");
        }
        for key in ["", "alias/", "a b", "arn:aws:sns:us-east-1:123456789012:key/a", "arn:aws:kms:x:y:topic/a"] {
            assert!(!is_key_id(key), "{key}");
        }
    }
}
