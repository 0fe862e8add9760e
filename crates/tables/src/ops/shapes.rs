//! Tables as the API describes them.

use api::dynamodb::{
    AttributeDefinition, BillingMode, BillingModeSummary, GlobalSecondaryIndexDescription, IndexStatus,
    KeySchemaElement, KeyType, LocalSecondaryIndexDescription, Projection as ProjectionShape, ProjectionType,
    ProvisionedThroughputDescription, ScalarAttributeType, TableClass, TableClassSummary, TableDescription,
    TableStatus,
};
use base::ByteString;

use super::definition;
use crate::rows::table::Class;
use crate::rows::{Billing, TableRow};
use crate::schema::{Index, KeyAttribute, KeySchema, Projection, Scope, Throughput};
use crate::table::{State, Table};
use crate::value::Kind;

/// A table that exists.
pub fn description(table: &Table) -> TableDescription {
    let state = table.read();
    described(table, &state, TableStatus::Active)
}

/// A table in some status.
pub fn described(table: &Table, state: &State, status: TableStatus) -> TableDescription {
    let definition = &*state.definition;
    let arn = table.id.to_string();
    let (mut locals, mut globals) = (Vec::new(), Vec::new());
    for (at, index) in definition.indexes.iter().enumerate() {
        let len = count(state.index_len(at));
        match index.scope {
            Scope::Local => locals.push(local(index, len, &arn)),
            Scope::Global => globals.push(global(index, len, &arn, definition)),
        }
    }
    TableDescription {
        attribute_definitions: Some(attribute_definitions(definition)),
        table_name: Some(table.id.name.text()),
        key_schema: Some(key_schema(&definition.keys)),
        table_status: Some(status),
        creation_date_time: Some(definition.created_at),
        provisioned_throughput: Some(throughput(match definition.billing {
            Billing::OnDemand => None,
            Billing::Provisioned(throughput) => Some(throughput),
        })),
        table_size_bytes: Some(count(state.size())),
        item_count: Some(count(state.len())),
        table_arn: Some(arn.into()),
        table_id: Some(definition.id.clone()),
        billing_mode_summary: billing_mode(definition),
        local_secondary_indexes: Some(locals).filter(|list| !list.is_empty()),
        global_secondary_indexes: Some(globals).filter(|list| !list.is_empty()),
        table_class_summary: match definition.class {
            Class::Standard => None,
            Class::InfrequentAccess => Some(TableClassSummary {
                table_class: Some(TableClass::StandardInfrequentAccess),
                ..TableClassSummary::default()
            }),
        },
        deletion_protection_enabled: Some(definition.is_protected),
        ..TableDescription::default()
    }
}

fn count(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn attribute_definitions(definition: &TableRow) -> Vec<AttributeDefinition> {
    let shape = |(attribute_name, kind)| AttributeDefinition {
        attribute_name,
        attribute_type: match kind {
            Kind::N => ScalarAttributeType::N,
            Kind::B => ScalarAttributeType::B,
            _ => ScalarAttributeType::S,
        },
    };
    definition::attributes(&definition.keys, &definition.indexes).into_iter().map(shape).collect()
}

fn key_schema(keys: &KeySchema) -> Vec<KeySchemaElement> {
    let types = [KeyType::Hash, KeyType::Range];
    let shape = |(KeyAttribute { name, .. }, key_type): (&KeyAttribute, KeyType)| KeySchemaElement {
        attribute_name: name.clone(),
        key_type,
    };
    keys.attributes().zip(types).map(shape).collect()
}

/// Tables that were never on demand have none.
fn billing_mode(definition: &TableRow) -> Option<BillingModeSummary> {
    let mode = match definition.billing {
        Billing::OnDemand => BillingMode::PayPerRequest,
        Billing::Provisioned(_) => BillingMode::Provisioned,
    };
    let since = definition.on_demand_since?;
    Some(BillingModeSummary { billing_mode: Some(mode), last_update_to_pay_per_request_date_time: Some(since) })
}

fn throughput(throughput: Option<Throughput>) -> ProvisionedThroughputDescription {
    let Throughput { read, write } = throughput.unwrap_or(Throughput { read: 0, write: 0 });
    ProvisionedThroughputDescription {
        number_of_decreases_today: Some(0),
        read_capacity_units: Some(read),
        write_capacity_units: Some(write),
        ..ProvisionedThroughputDescription::default()
    }
}

fn projection(projection: &Projection) -> ProjectionShape {
    let (projection_type, non_key_attributes) = match projection {
        Projection::All => (ProjectionType::All, None),
        Projection::KeysOnly => (ProjectionType::KeysOnly, None),
        Projection::Include(names) => (ProjectionType::Include, Some(names.clone())),
    };
    ProjectionShape { projection_type: Some(projection_type), non_key_attributes }
}

fn index_arn(table: &str, index: &Index) -> Option<ByteString> {
    Some(format!("{table}/index/{}", index.name).into())
}

fn local(index: &Index, len: i64, table: &str) -> LocalSecondaryIndexDescription {
    LocalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(key_schema(&index.keys)),
        projection: Some(projection(&index.projection)),
        index_size_bytes: Some(0),
        item_count: Some(len),
        index_arn: index_arn(table, index),
    }
}

/// Indexes are filled when the call that makes them returns.
fn global(index: &Index, len: i64, table: &str, definition: &TableRow) -> GlobalSecondaryIndexDescription {
    let units = match definition.billing {
        Billing::OnDemand => None,
        Billing::Provisioned(_) => index.throughput,
    };
    GlobalSecondaryIndexDescription {
        index_name: Some(index.name.clone()),
        key_schema: Some(key_schema(&index.keys)),
        projection: Some(projection(&index.projection)),
        index_status: Some(IndexStatus::Active),
        provisioned_throughput: Some(throughput(units)),
        index_size_bytes: Some(0),
        item_count: Some(len),
        index_arn: index_arn(table, index),
        ..GlobalSecondaryIndexDescription::default()
    }
}
