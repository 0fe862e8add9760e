//! UpdateTimeToLive, DescribeTimeToLive. Expired items are removed by a background job.

use api::dynamodb::{
    DescribeTimeToLiveInput, DescribeTimeToLiveOutput, TimeToLiveDescription, TimeToLiveSpecification,
    TimeToLiveStatus, UpdateTimeToLiveInput, UpdateTimeToLiveOutput,
};
use base::caller::Caller;

use super::tags::change;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::rows::TableRow;

pub async fn update_time_to_live(
    core: &Core,
    caller: &Caller,
    input: UpdateTimeToLiveInput,
) -> Answer<UpdateTimeToLiveOutput> {
    let table = core.described_table(caller, &input.table_name)?;
    let specification = input.time_to_live_specification;
    let TimeToLiveSpecification { enabled, attribute_name } = specification.clone();
    change(core, &table, move |row| {
        let time_to_live = match (&row.time_to_live, enabled) {
            (None, true) => Some(attribute_name),
            (Some(present), true) if *present == attribute_name => {
                return Err(error::invalid("TimeToLive is already enabled"));
            }
            (Some(present), _) if *present != attribute_name => {
                return Err(error::invalid(format!(
                    "TimeToLive is active on a different AttributeName: current AttributeName is {present}"
                )));
            }
            (Some(_), _) => None,
            (None, false) => return Err(error::invalid("TimeToLive is already disabled")),
        };
        Ok(TableRow { time_to_live, ..row.clone() })
    })
    .await?;
    core.work.notify_one();
    Ok(UpdateTimeToLiveOutput { time_to_live_specification: Some(specification) })
}

pub fn describe_time_to_live(
    core: &Core,
    caller: &Caller,
    input: DescribeTimeToLiveInput,
) -> Answer<DescribeTimeToLiveOutput> {
    let definition = core.described_table(caller, &input.table_name)?.definition();
    let attribute_name = definition.time_to_live.clone();
    let status = if attribute_name.is_some() { TimeToLiveStatus::Enabled } else { TimeToLiveStatus::Disabled };
    let description = TimeToLiveDescription { time_to_live_status: Some(status), attribute_name };
    Ok(DescribeTimeToLiveOutput { time_to_live_description: Some(description) })
}
