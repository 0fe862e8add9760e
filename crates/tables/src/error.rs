//! The only place where an inner error becomes a modelled exception. Most are ValidationExceptions: their texts stand
//! with the rules that they are about, because the service quotes some within others.

use api::dynamodb::{CancellationReason, ConditionalCheckFailedException, DynamoDBError, TransactionCanceledException};
use store::catalog::CatalogError;

use crate::convert::{self, ValueError};
use crate::expression::{ExpressionError, PlaceholderError};
use crate::key_condition::KeyConditionError;
use crate::legacy::{ConditionError, LegacyUpdateError};
use crate::ops::definition::DefinitionError;
use crate::ops::forms::FormError;
use crate::ops::reading::ReadError;
use crate::rows::RowError;
use crate::schema::KeyError;
use crate::table_name::{TableName, TableNameError};
use crate::writer::{Refusal, WriteError};

/// What operations answer.
pub type Answer<T> = Result<T, DynamoDBError>;

const INTERNAL_FAILURE: &str = "Internal server error";
const CONDITION_FAILED: &str = "The conditional request failed";
const NOT_FOUND: &str = "Requested resource not found";

macro_rules! validations {
    ($($error:ty),*) => {
        $(impl From<$error> for DynamoDBError {
            fn from(error: $error) -> Self {
                Self::validation(error.to_string())
            }
        })*
    };
}

validations!(
    ValueError,
    ExpressionError,
    PlaceholderError,
    KeyConditionError,
    ConditionError,
    LegacyUpdateError,
    DefinitionError,
    FormError,
    ReadError,
    KeyError,
    TableNameError
);

pub fn invalid(text: impl Into<String>) -> DynamoDBError {
    DynamoDBError::validation(text)
}

/// A table that an operation on items names.
pub fn not_found() -> DynamoDBError {
    DynamoDBError::resource_not_found(NOT_FOUND)
}

/// A table that an operation on tables names.
pub fn table_not_found(name: &TableName) -> DynamoDBError {
    DynamoDBError::resource_not_found(format!("{NOT_FOUND}: Table: {name} not found"))
}

/// A table that an operation on backups names.
pub fn backups_table_not_found(name: &str) -> DynamoDBError {
    DynamoDBError::table_not_found(format!("Table not found: {name}"))
}

/// What an operation on tags names.
pub fn resource_not_found(arn: &str) -> DynamoDBError {
    DynamoDBError::resource_not_found(format!("{NOT_FOUND}: ResourcArn: {arn} not found"))
}

pub fn table_exists(name: &TableName) -> DynamoDBError {
    DynamoDBError::resource_in_use(format!("Table already exists: {name}"))
}

pub fn too_many_tables(max: usize) -> DynamoDBError {
    DynamoDBError::limit_exceeded(format!("Subscriber limit exceeded: There is a limit of {max} tables per subscriber"))
}

pub fn stopped() -> DynamoDBError {
    DynamoDBError::internal_server_error(INTERNAL_FAILURE)
}

pub fn catalog(error: CatalogError) -> DynamoDBError {
    match error {
        CatalogError::Full(_) => DynamoDBError::internal_server_error("Internal server error: the disk is full"),
        CatalogError::Conflict { .. } | CatalogError::Failed(_) => {
            tracing::error!(%error, "tables cannot be changed");
            DynamoDBError::internal_server_error(INTERNAL_FAILURE)
        }
    }
}

pub fn row(error: RowError) -> DynamoDBError {
    match error {
        RowError::Version { .. } | RowError::Damaged { .. } => {
            tracing::error!(%error, "a row cannot be read");
            DynamoDBError::internal_server_error(INTERNAL_FAILURE)
        }
    }
}

/// A write of a single item that was not carried out. `shows_item`: ReturnValuesOnConditionCheckFailure.
pub fn write(error: WriteError, shows_item: bool) -> DynamoDBError {
    match error {
        WriteError::Refused(refusals) => match refusals.into_iter().flatten().next() {
            Some(refusal) => refused(refusal, shows_item),
            None => stopped(),
        },
        other => job(other),
    }
}

fn refused(refusal: Refusal, shows_item: bool) -> DynamoDBError {
    match refusal {
        Refusal::Condition(item) => DynamoDBError::from(ConditionalCheckFailedException {
            message: Some(CONDITION_FAILED.into()),
            item: item.filter(|_| shows_item).map(|item| convert::shapes(&item.attributes)),
        }),
        Refusal::Update(error) => DynamoDBError::validation(error.to_string()),
        Refusal::Key(error) => error.into(),
        Refusal::TooLarge => DynamoDBError::validation("Item size to update has exceeded the maximum allowed size"),
        Refusal::TableGone => not_found(),
    }
}

/// A job that failed as a whole.
fn job(error: WriteError) -> DynamoDBError {
    match error {
        WriteError::Refused(_) | WriteError::Stopped | WriteError::Panicked => stopped(),
        WriteError::TokenMismatch => DynamoDBError::idempotent_parameter_mismatch(
            "A ClientRequestToken was used again with different parameters of the transaction",
        ),
        WriteError::Memory { max } => {
            DynamoDBError::limit_exceeded(format!("The items of all tables together may take {max} bytes of memory"))
        }
        WriteError::Catalog(CatalogError::Full(reason)) => catalog(CatalogError::Full(reason)),
        // Logged by the writer, which meets them once for many requests.
        WriteError::Catalog(CatalogError::Conflict { .. } | CatalogError::Failed(_)) => stopped(),
    }
}

/// A transaction that was not carried out. `shows_items`: ReturnValuesOnConditionCheckFailure of each write.
pub fn transaction(error: WriteError, shows_items: &[bool]) -> DynamoDBError {
    let WriteError::Refused(refusals) = error else { return job(error) };
    if refusals.iter().flatten().any(|refusal| *refusal == Refusal::TableGone) {
        return not_found();
    }
    let reasons: Vec<CancellationReason> =
        refusals.into_iter().zip(shows_items).map(|(refusal, shows_item)| reason(refusal, *shows_item)).collect();
    let codes: Vec<&str> = reasons.iter().filter_map(|reason| reason.code.as_deref()).collect();
    let message =
        format!("Transaction cancelled, please refer cancellation reasons for specific reasons [{}]", codes.join(", "));
    DynamoDBError::from(TransactionCanceledException {
        message: Some(message.into()),
        cancellation_reasons: Some(reasons),
    })
}

fn reason(refusal: Option<Refusal>, shows_item: bool) -> CancellationReason {
    let Some(refusal) = refusal else {
        return CancellationReason { code: Some("None".into()), ..CancellationReason::default() };
    };
    let code = if matches!(refusal, Refusal::Condition(_)) { "ConditionalCheckFailed" } else { "ValidationError" };
    let (message, item) = match refused(refusal, shows_item) {
        DynamoDBError::ConditionalCheckFailedException(error) => (error.message, error.item),
        other => (api::service::ModeledError::message(&other).map(|text| text.into()), None),
    };
    CancellationReason { item, code: Some(code.into()), message }
}
