//! UpdateContinuousBackups, DescribeContinuousBackups: the switch is kept, for clients that turn it on when they make a
//! table. There is nothing to restore from.

use api::dynamodb::{
    ContinuousBackupsDescription, ContinuousBackupsStatus, DescribeContinuousBackupsInput,
    DescribeContinuousBackupsOutput, PointInTimeRecoveryDescription, PointInTimeRecoveryStatus,
    UpdateContinuousBackupsInput, UpdateContinuousBackupsOutput,
};
use base::caller::Caller;

use super::tags::change;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::rows::TableRow;
use crate::table::Table;

pub async fn update_continuous_backups(
    core: &Core,
    caller: &Caller,
    input: UpdateContinuousBackupsInput,
) -> Answer<UpdateContinuousBackupsOutput> {
    let table = core.table(caller, &input.table_name).map_err(|_| not_found(&input.table_name))?;
    let now = core.now();
    let is_wanted = input.point_in_time_recovery_specification.point_in_time_recovery_enabled;
    change(core, &table, move |row| {
        let recovery_since = is_wanted.then(|| row.recovery_since.unwrap_or(now));
        Ok(TableRow { recovery_since, ..row.clone() })
    })
    .await?;
    Ok(UpdateContinuousBackupsOutput { continuous_backups_description: Some(description(core, &table)) })
}

pub fn describe_continuous_backups(
    core: &Core,
    caller: &Caller,
    input: DescribeContinuousBackupsInput,
) -> Answer<DescribeContinuousBackupsOutput> {
    let table = core.table(caller, &input.table_name).map_err(|_| not_found(&input.table_name))?;
    Ok(DescribeContinuousBackupsOutput { continuous_backups_description: Some(description(core, &table)) })
}

fn not_found(name: &str) -> api::dynamodb::DynamoDBError {
    error::backups_table_not_found(name)
}

fn description(core: &Core, table: &Table) -> ContinuousBackupsDescription {
    let recovery = match table.definition().recovery_since {
        None => PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some(PointInTimeRecoveryStatus::Disabled),
            ..PointInTimeRecoveryDescription::default()
        },
        Some(since) => PointInTimeRecoveryDescription {
            point_in_time_recovery_status: Some(PointInTimeRecoveryStatus::Enabled),
            earliest_restorable_date_time: Some(since),
            latest_restorable_date_time: Some(core.now()),
            ..PointInTimeRecoveryDescription::default()
        },
    };
    ContinuousBackupsDescription {
        continuous_backups_status: ContinuousBackupsStatus::Enabled,
        point_in_time_recovery_description: Some(recovery),
    }
}
