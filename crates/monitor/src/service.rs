//! The operations as the API's trait has them. Everything is in `ops`; this file only names who answers what.

use api::cloudwatch::*;
use base::BoxFuture;
use base::caller::Caller;

use crate::Monitor;
use crate::ops::*;

macro_rules! operations {
    ($($operation:ident($input:ident) -> $output:ty = $($path:ident)::+;)*) => {
        $(fn $operation<'a>(
            &'a self,
            caller: &'a Caller,
            input: $input,
        ) -> BoxFuture<'a, Result<$output, CloudWatchError>> {
            Box::pin($($path)::+(&self.core, caller, input))
        })*
    };
}

impl CloudWatch for Monitor {
    operations! {
        put_metric_data(PutMetricDataInput) -> PutMetricDataOutput = put::put_metric_data;
        get_metric_statistics(GetMetricStatisticsInput) -> GetMetricStatisticsOutput = statistics::get_metric_statistics;
        list_metrics(ListMetricsInput) -> ListMetricsOutput = list::list_metrics;
        get_metric_data(GetMetricDataInput) -> GetMetricDataOutput = data::get_metric_data;
        put_metric_alarm(PutMetricAlarmInput) -> PutMetricAlarmOutput = alarms::put;
        describe_alarms(DescribeAlarmsInput) -> DescribeAlarmsOutput = alarms::describe;
        set_alarm_state(SetAlarmStateInput) -> SetAlarmStateOutput = alarms::set_state;
        delete_alarms(DeleteAlarmsInput) -> DeleteAlarmsOutput = alarms::delete;
    }
}
