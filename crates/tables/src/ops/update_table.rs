//! UpdateTable: billing, throughput, protection, class, and global indexes, which are ACTIVE when the call returns.

use api::dynamodb::{
    BillingMode, GlobalSecondaryIndex, GlobalSecondaryIndexUpdate, UpdateGlobalSecondaryIndexAction, UpdateTableInput,
    UpdateTableOutput,
};
use base::ByteString;
use base::caller::Caller;
use base::time::Timestamp;

use super::definition::{self, DefinitionError, Definitions, refuse};
use super::shapes::description;
use crate::core::Core;
use crate::error::{self, Answer};
use crate::rows::{Billing, TableRow};
use crate::schema::{Index, Scope};

pub async fn update_table(core: &Core, caller: &Caller, input: UpdateTableInput) -> Answer<UpdateTableOutput> {
    refuse_features(&input)?;
    check_anything(&input)?;
    let id = core.described_table(caller, &input.table_name)?.id.clone();
    let name = id.name.clone();
    let now = core.now();
    let edit = move |present: Option<&TableRow>| {
        let row = present.ok_or_else(|| error::table_not_found(&name))?;
        updated(row.clone(), input, now).map(Some)
    };
    let (table, _) = core.edit_table(id, Box::new(edit)).await?;
    Ok(UpdateTableOutput { table_description: Some(description(&table)) })
}

fn refuse_features(input: &UpdateTableInput) -> Result<(), DefinitionError> {
    refuse(&[
        ("StreamSpecification", definition::streams(input.stream_specification.as_ref())),
        ("SSESpecification", definition::encrypts(input.sse_specification.as_ref())),
        ("ReplicaUpdates", input.replica_updates.is_some()),
        ("MultiRegionConsistency", input.multi_region_consistency.is_some()),
        ("GlobalTableWitnessUpdates", input.global_table_witness_updates.is_some()),
        ("GlobalTableSettingsReplicationMode", input.global_table_settings_replication_mode.is_some()),
        ("DisassociationProtectionEnabled", input.disassociation_protection_enabled == Some(true)),
        ("OnDemandThroughput", input.on_demand_throughput.is_some()),
        ("WarmThroughput", input.warm_throughput.is_some()),
        ("VectorIndexUpdates", input.vector_index_updates.is_some()),
    ])
}

fn check_anything(input: &UpdateTableInput) -> Answer<()> {
    let is_anything = input.billing_mode.is_some()
        || input.provisioned_throughput.is_some()
        || input.global_secondary_index_updates.as_ref().is_some_and(|updates| !updates.is_empty())
        || input.stream_specification.is_some()
        || input.sse_specification.is_some()
        || input.table_class.is_some()
        || input.deletion_protection_enabled.is_some();
    if is_anything {
        return Ok(());
    }
    Err(error::invalid(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or \
         SSESpecification or ReplicaUpdates is required",
    ))
}

fn updated(mut row: TableRow, input: UpdateTableInput, now: Timestamp) -> Answer<TableRow> {
    let was_on_demand = row.billing == Billing::OnDemand;
    row.billing = match (input.billing_mode, input.provisioned_throughput) {
        (None, None) => row.billing,
        (None, Some(_)) if was_on_demand => return Err(DefinitionError::ThroughputUnwanted.into()),
        (Some(BillingMode::Provisioned), None) if !was_on_demand => row.billing,
        (mode, units) => definition::billing(mode.as_ref(), units)?,
    };
    if row.billing == Billing::OnDemand && !was_on_demand {
        row.on_demand_since = Some(now);
    }
    if let Some(is_protected) = input.deletion_protection_enabled {
        row.is_protected = is_protected;
    }
    if input.table_class.is_some() {
        row.class = definition::class(input.table_class.as_ref());
    }
    let mut definitions = definition::attributes(&row.keys, &row.indexes);
    for (name, kind) in definition::definitions(input.attribute_definitions.unwrap_or_default())? {
        if *definitions.entry(name.clone()).or_insert(kind) != kind {
            let text = format!(
                "One or more parameter values were invalid: Attribute {name} is part of a key, its type cannot be changed"
            );
            return Err(error::invalid(text));
        }
    }
    update_indexes(&mut row, input.global_secondary_index_updates.unwrap_or_default(), &definitions)?;
    definition::check_indexes(&row.indexes)?;
    Ok(row)
}

fn update_indexes(
    row: &mut TableRow,
    updates: Vec<GlobalSecondaryIndexUpdate>,
    definitions: &Definitions,
) -> Answer<()> {
    let mut seen: Vec<ByteString> = Vec::new();
    for update in updates {
        let name = match update {
            GlobalSecondaryIndexUpdate { create: Some(create), update: None, delete: None } => {
                if row.indexes.iter().any(|index| index.name == create.index_name) {
                    return Err(error::invalid("Attempting to create an index which already exists"));
                }
                let asked = GlobalSecondaryIndex {
                    index_name: create.index_name,
                    key_schema: create.key_schema,
                    projection: create.projection,
                    provisioned_throughput: create.provisioned_throughput,
                    on_demand_throughput: create.on_demand_throughput,
                    warm_throughput: create.warm_throughput,
                };
                let index = definition::global_index(asked, definitions, row.billing)?;
                let name = index.name.clone();
                row.indexes.push(index);
                name
            }
            GlobalSecondaryIndexUpdate { update: Some(update), create: None, delete: None } => {
                change_index(row, update)?
            }
            GlobalSecondaryIndexUpdate { delete: Some(delete), create: None, update: None } => {
                let at = find(row, &delete.index_name)?;
                row.indexes.remove(at).name
            }
            _ => {
                return Err(error::invalid(
                    "One or more parameter values were invalid: One of GlobalSecondaryIndexUpdate.Update, \
                     GlobalSecondaryIndexUpdate.Create, GlobalSecondaryIndexUpdate.Delete must not be null",
                ));
            }
        };
        if seen.contains(&name) {
            let text = format!(
                "One or more parameter values were invalid: Only one global secondary index update per index is allowed \
                 simultaneously. Index: {name}"
            );
            return Err(error::invalid(text));
        }
        seen.push(name);
    }
    Ok(())
}

fn change_index(row: &mut TableRow, update: UpdateGlobalSecondaryIndexAction) -> Answer<ByteString> {
    refuse(&[
        ("OnDemandThroughput", update.on_demand_throughput.is_some()),
        ("WarmThroughput", update.warm_throughput.is_some()),
    ])?;
    let at = find(row, &update.index_name)?;
    let billing = row.billing;
    let Index { name, throughput, .. } = &mut row.indexes[at];
    match (billing, update.provisioned_throughput) {
        (Billing::OnDemand, Some(_)) => Err(DefinitionError::IndexThroughputUnwanted(name.clone()).into()),
        (Billing::Provisioned(_), None) => Err(DefinitionError::IndexThroughputMissing(name.clone()).into()),
        (Billing::OnDemand, None) => Ok(name.clone()),
        (Billing::Provisioned(_), Some(units)) => {
            *throughput = Some(definition::throughput(units)?);
            Ok(name.clone())
        }
    }
}

fn find(row: &TableRow, name: &ByteString) -> Answer<usize> {
    let found = row.indexes.iter().position(|index| index.scope == Scope::Global && index.name == *name);
    found.ok_or_else(error::not_found)
}
