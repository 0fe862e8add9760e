//! AttributeUpdates: an action for each attribute.

use std::collections::BTreeMap;

use api::dynamodb::{AttributeAction, AttributeValueUpdate};
use base::ByteString;
use thiserror::Error;

use crate::convert::{self, ValueError};
use crate::path::Path;
use crate::update::{Action, Source, Update};
use crate::value::{Kind, Value};

/// Why AttributeUpdates cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LegacyUpdateError {
    #[error(transparent)]
    Value(#[from] ValueError),
    #[error(
        "One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is specified"
    )]
    NoValue,
    #[error("One or more parameter values were invalid: DELETE action with value is not supported for the type {0}")]
    Delete(&'static str),
    #[error("One or more parameter values were invalid: ADD action is not supported for the type {0}")]
    Add(&'static str),
}

pub fn updates(updates: BTreeMap<ByteString, AttributeValueUpdate>) -> Result<Update, LegacyUpdateError> {
    let actions = updates.into_iter().map(|(name, update)| action(Path::attribute(name), update));
    Ok(Update { actions: actions.collect::<Result<_, _>>()?, is_legacy: true })
}

fn action(path: Path, update: AttributeValueUpdate) -> Result<Action, LegacyUpdateError> {
    let value = update.value.map(convert::top_value).transpose()?;
    match (update.action, value) {
        (Some(AttributeAction::Delete), None) => Ok(Action::Remove(path)),
        (_, None) => Err(LegacyUpdateError::NoValue),
        (None | Some(AttributeAction::Put | AttributeAction::Unknown(_)), Some(value)) => {
            Ok(Action::Set(path, Source::Value(value)))
        }
        (Some(AttributeAction::Delete), Some(value)) => match value.kind() {
            kind if kind.is_set() => Ok(Action::Delete(path, value)),
            kind => Err(LegacyUpdateError::Delete(kind.as_str())),
        },
        (Some(AttributeAction::Add), Some(value)) => add(path, value),
    }
}

fn add(path: Path, value: Value) -> Result<Action, LegacyUpdateError> {
    match value.kind() {
        Kind::N | Kind::L | Kind::Ss | Kind::Ns | Kind::Bs => Ok(Action::Add(path, value)),
        kind => Err(LegacyUpdateError::Add(kind.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use api::dynamodb::AttributeValue;

    use super::*;

    fn one(action: Option<AttributeAction>, value: Option<AttributeValue>) -> Result<Update, LegacyUpdateError> {
        updates([("a".into(), AttributeValueUpdate { value, action })].into())
    }

    #[test]
    fn actions_take_values_of_their_types() {
        let text = || Some(AttributeValue { s: Some("x".into()), ..AttributeValue::default() });
        let set = || Some(AttributeValue { ss: Some(vec!["x".into()]), ..AttributeValue::default() });
        assert!(one(None, text()).is_ok() && one(Some(AttributeAction::Put), text()).is_ok());
        assert!(one(Some(AttributeAction::Delete), None).expect("valid").only_takes_away());
        assert!(one(Some(AttributeAction::Delete), set()).expect("valid").only_takes_away());
        assert!(!one(Some(AttributeAction::Add), set()).expect("valid").only_takes_away());
        assert_eq!(one(Some(AttributeAction::Delete), text()), Err(LegacyUpdateError::Delete("S")));
        assert_eq!(one(Some(AttributeAction::Add), text()), Err(LegacyUpdateError::Add("S")));
        assert_eq!(one(Some(AttributeAction::Put), None), Err(LegacyUpdateError::NoValue));
        assert_eq!(one(None, None), Err(LegacyUpdateError::NoValue));
    }
}
