//! From what CreateTable and UpdateTable ask for to what a table is.

use std::collections::{BTreeMap, BTreeSet};

use api::dynamodb::{
    AttributeDefinition, BillingMode, CreateTableInput, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    LocalSecondaryIndex, Projection as ProjectionShape, ProjectionType, ProvisionedThroughput, SSESpecification,
    ScalarAttributeType, StreamSpecification, TableClass, Tag,
};
use base::ByteString;
use base::time::Timestamp;
use thiserror::Error;

use crate::limits::{CAPACITY_UNITS_MAX, GLOBAL_INDEXES_MAX, INCLUDED_ATTRIBUTES_MAX, LOCAL_INDEXES_MAX, TAGS_MAX};
use crate::rows::table::Class;
use crate::rows::{Billing, TableRow};
use crate::schema::{Index, KeyAttribute, KeySchema, Projection, Scope, Throughput};
use crate::table_name::{TableName, TableNameError};
use crate::value::Kind;

/// Why there can be no such table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DefinitionError {
    #[error("One or more parameter values were invalid: {0} is not supported by this server")]
    NotSupported(&'static str),
    #[error("1 validation error detected: Value null at '{0}' failed to satisfy constraint: Member must not be null")]
    Missing(&'static str),
    #[error(transparent)]
    Name(#[from] TableNameError),
    #[error(
        "One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. \
         Keys: [{keys}], AttributeDefinitions: [{definitions}]"
    )]
    Undefined { keys: String, definitions: String },
    #[error(
        "One or more parameter values were invalid: Some AttributeDefinitions are not used. AttributeDefinitions: \
         [{definitions}], keys used: [{keys}]"
    )]
    Unused { definitions: String, keys: String },
    #[error(
        "One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of \
         attributes defined in AttributeDefinitions"
    )]
    Count,
    #[error("One or more parameter values were invalid: Duplicate AttributeName in AttributeDefinitions: {0}")]
    DefinedTwice(ByteString),
    #[error("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")]
    NoHash,
    #[error("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")]
    NoRange,
    #[error("Both the Hash Key and the Range Key element in the KeySchema have the same name")]
    SameName,
    #[error("One or more parameter values were invalid: List of {0} is empty")]
    EmptyList(&'static str),
    #[error("One or more parameter values were invalid: Duplicate index name: {0}")]
    IndexTwice(ByteString),
    #[error(
        "One or more parameter values were invalid: Table KeySchema does not have a range key, which is required when \
         specifying a LocalSecondaryIndex"
    )]
    LocalWithoutRange,
    #[error("One or more parameter values were invalid: Index KeySchema does not have a range key for index: {0}")]
    IndexWithoutRange(ByteString),
    #[error(
        "One or more parameter values were invalid: Index KeySchema does not have the same leading hash key as table \
         KeySchema for index: {index}. index hash key: {found}, table hash key: {wanted}"
    )]
    OtherHash { index: ByteString, found: ByteString, wanted: ByteString },
    #[error("One or more parameter values were invalid: Number of LocalSecondaryIndexes exceeds per-table limit of 5")]
    TooManyLocal,
    #[error("One or more parameter values were invalid: GlobalSecondaryIndex count exceeds the per-table limit of 20")]
    TooManyGlobal,
    #[error("One or more parameter values were invalid: Unknown ProjectionType: null")]
    NoProjection,
    #[error("One or more parameter values were invalid: ProjectionType is {0}, but NonKeyAttributes is specified")]
    IncludesUnwanted(&'static str),
    #[error(
        "One or more parameter values were invalid: ProjectionType is INCLUDE, but NonKeyAttributes is not specified"
    )]
    IncludesMissing,
    #[error(
        "One or more parameter values were invalid: Number of attributes in NonKeyAttributes of all indexes exceeds the \
         per-table limit of {INCLUDED_ATTRIBUTES_MAX}"
    )]
    TooManyIncluded,
    #[error(
        "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified \
         when BillingMode is PAY_PER_REQUEST"
    )]
    ThroughputUnwanted,
    #[error(
        "One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when \
         BillingMode is PROVISIONED"
    )]
    ThroughputMissing,
    #[error(
        "One or more parameter values were invalid: ProvisionedThroughput should not be specified for index: {0} when \
         BillingMode is PAY_PER_REQUEST"
    )]
    IndexThroughputUnwanted(ByteString),
    #[error("One or more parameter values were invalid: ProvisionedThroughput must be specified for index: {0}")]
    IndexThroughputMissing(ByteString),
    #[error("Given value {value} for {name} is out of bounds")]
    Units { value: i64, name: &'static str },
    #[error("One or more parameter values were invalid: A table cannot have more than {TAGS_MAX} tags")]
    TooManyTags,
    #[error("One or more parameter values were invalid: Tag keys must not begin with aws:")]
    ReservedTag,
}

/// Types of attributes by name.
pub type Definitions = BTreeMap<ByteString, Kind>;

/// The table that is asked for. `id`: its TableId. Its incarnation is given by the writer.
pub fn new_table(input: CreateTableInput, id: ByteString, now: Timestamp) -> Result<TableRow, DefinitionError> {
    refuse_features(&input)?;
    let key_schema = input.key_schema.ok_or(DefinitionError::Missing("keySchema"))?;
    let list = input.attribute_definitions.ok_or(DefinitionError::Missing("attributeDefinitions"))?;
    let definitions = definitions(list)?;
    let billing = billing(input.billing_mode.as_ref(), input.provisioned_throughput)?;
    let keys = keys(key_schema, &definitions)?;
    let has_indexes = input.local_secondary_indexes.is_some() || input.global_secondary_indexes.is_some();
    if !has_indexes && keys.attributes().count() != definitions.len() {
        return Err(DefinitionError::Count);
    }
    let mut indexes = local_indexes(input.local_secondary_indexes, &keys, &definitions)?;
    indexes.extend(global_indexes(input.global_secondary_indexes, &definitions, billing)?);
    check_indexes(&indexes)?;
    check_all_used(&definitions, &keys, &indexes)?;
    Ok(TableRow {
        incarnation: 0,
        id,
        created_at: now,
        keys,
        indexes,
        billing,
        on_demand_since: (billing == Billing::OnDemand).then_some(now),
        is_protected: input.deletion_protection_enabled == Some(true),
        time_to_live: None,
        recovery_since: None,
        class: class(input.table_class.as_ref()),
        tags: with_tags(BTreeMap::new(), input.tags.unwrap_or_default())?,
    })
}

fn refuse_features(input: &CreateTableInput) -> Result<(), DefinitionError> {
    refuse(&[
        ("StreamSpecification", streams(input.stream_specification.as_ref())),
        ("SSESpecification", encrypts(input.sse_specification.as_ref())),
        ("WarmThroughput", input.warm_throughput.is_some()),
        ("OnDemandThroughput", input.on_demand_throughput.is_some()),
        ("ResourcePolicy", input.resource_policy.is_some()),
        ("GlobalTableSourceArn", input.global_table_source_arn.is_some()),
        ("GlobalTableSettingsReplicationMode", input.global_table_settings_replication_mode.is_some()),
        ("VectorIndexes", input.vector_indexes.is_some()),
    ])
}

/// Names the first feature that is asked for and that there is not.
pub fn refuse(features: &[(&'static str, bool)]) -> Result<(), DefinitionError> {
    match features.iter().find(|(_, is_wanted)| *is_wanted) {
        Some((name, _)) => Err(DefinitionError::NotSupported(name)),
        None => Ok(()),
    }
}

pub fn streams(specification: Option<&StreamSpecification>) -> bool {
    specification.is_some_and(|specification| specification.stream_enabled)
}

pub fn encrypts(specification: Option<&SSESpecification>) -> bool {
    specification.is_some_and(|specification| specification.enabled == Some(true))
}

pub fn definitions(list: Vec<AttributeDefinition>) -> Result<Definitions, DefinitionError> {
    let mut definitions = Definitions::new();
    for AttributeDefinition { attribute_name, attribute_type } in list {
        let kind = match attribute_type {
            ScalarAttributeType::N => Kind::N,
            ScalarAttributeType::B => Kind::B,
            ScalarAttributeType::S | ScalarAttributeType::Unknown(_) => Kind::S,
        };
        if definitions.insert(attribute_name.clone(), kind).is_some() {
            return Err(DefinitionError::DefinedTwice(attribute_name));
        }
    }
    Ok(definitions)
}

/// A key of one or two attributes.
pub fn keys(schema: Vec<KeySchemaElement>, definitions: &Definitions) -> Result<KeySchema, DefinitionError> {
    if schema.len() > 2 {
        return Err(DefinitionError::NotSupported("A KeySchema of more than two attributes"));
    }
    let names = join(schema.iter().map(|element| &element.attribute_name));
    let attribute = |element: KeySchemaElement| match definitions.get(&element.attribute_name) {
        Some(kind) => Ok(KeyAttribute { name: element.attribute_name, kind: *kind }),
        None => Err(DefinitionError::Undefined { keys: names.clone(), definitions: join(definitions.keys()) }),
    };
    let mut elements = schema.into_iter();
    let first = elements.next().filter(|element| element.key_type == KeyType::Hash).ok_or(DefinitionError::NoHash)?;
    let partition = attribute(first)?;
    let sort = match elements.next() {
        None => None,
        Some(second) if second.attribute_name == partition.name => return Err(DefinitionError::SameName),
        Some(second) if second.key_type != KeyType::Range => return Err(DefinitionError::NoRange),
        Some(second) => Some(attribute(second)?),
    };
    Ok(KeySchema { partition, sort })
}

fn join<'a>(names: impl Iterator<Item = &'a ByteString>) -> String {
    names.map(|name| &**name).collect::<Vec<&str>>().join(", ")
}

fn local_indexes(
    list: Option<Vec<LocalSecondaryIndex>>,
    table: &KeySchema,
    definitions: &Definitions,
) -> Result<Vec<Index>, DefinitionError> {
    let Some(list) = list else { return Ok(Vec::new()) };
    if list.is_empty() {
        return Err(DefinitionError::EmptyList("LocalSecondaryIndexes"));
    }
    if table.sort.is_none() {
        return Err(DefinitionError::LocalWithoutRange);
    }
    let make = |asked: LocalSecondaryIndex| {
        let name = asked.index_name.parse::<TableName>()?.text();
        let keys = keys(asked.key_schema, definitions)?;
        if keys.sort.is_none() {
            return Err(DefinitionError::IndexWithoutRange(name));
        }
        if keys.partition.name != table.partition.name {
            let (found, wanted) = (keys.partition.name, table.partition.name.clone());
            return Err(DefinitionError::OtherHash { index: name, found, wanted });
        }
        let projection = projection(asked.projection)?;
        Ok(Index { name, scope: Scope::Local, keys, projection, throughput: None })
    };
    list.into_iter().map(make).collect()
}

fn global_indexes(
    list: Option<Vec<GlobalSecondaryIndex>>,
    definitions: &Definitions,
    billing: Billing,
) -> Result<Vec<Index>, DefinitionError> {
    let Some(list) = list else { return Ok(Vec::new()) };
    if list.is_empty() {
        return Err(DefinitionError::EmptyList("GlobalSecondaryIndexes"));
    }
    list.into_iter().map(|asked| global_index(asked, definitions, billing)).collect()
}

pub fn global_index(
    asked: GlobalSecondaryIndex,
    definitions: &Definitions,
    billing: Billing,
) -> Result<Index, DefinitionError> {
    refuse(&[
        ("OnDemandThroughput", asked.on_demand_throughput.is_some()),
        ("WarmThroughput", asked.warm_throughput.is_some()),
    ])?;
    let name = asked.index_name.parse::<TableName>()?.text();
    let keys = keys(asked.key_schema, definitions)?;
    let projection = projection(asked.projection)?;
    let throughput = match (billing, asked.provisioned_throughput) {
        (Billing::OnDemand, Some(_)) => return Err(DefinitionError::IndexThroughputUnwanted(name)),
        (Billing::OnDemand, None) => None,
        (Billing::Provisioned(_), Some(units)) => Some(throughput(units)?),
        (Billing::Provisioned(_), None) => return Err(DefinitionError::IndexThroughputMissing(name)),
    };
    Ok(Index { name, scope: Scope::Global, keys, projection, throughput })
}

fn projection(asked: ProjectionShape) -> Result<Projection, DefinitionError> {
    let plain = match asked.projection_type.ok_or(DefinitionError::NoProjection)? {
        ProjectionType::Include => {
            let names = asked.non_key_attributes.filter(|names| !names.is_empty());
            return names.map(Projection::Include).ok_or(DefinitionError::IncludesMissing);
        }
        ProjectionType::KeysOnly => Projection::KeysOnly,
        ProjectionType::All | ProjectionType::Unknown(_) => Projection::All,
    };
    match asked.non_key_attributes {
        None => Ok(plain),
        Some(_) => Err(DefinitionError::IncludesUnwanted(if plain == Projection::All { "ALL" } else { "KEYS_ONLY" })),
    }
}

/// What holds for all indexes of a table together.
pub fn check_indexes(indexes: &[Index]) -> Result<(), DefinitionError> {
    let mut names = BTreeSet::new();
    for index in indexes {
        if !names.insert(&index.name) {
            return Err(DefinitionError::IndexTwice(index.name.clone()));
        }
    }
    let locals = indexes.iter().filter(|index| index.scope == Scope::Local).count();
    if locals > LOCAL_INDEXES_MAX {
        return Err(DefinitionError::TooManyLocal);
    }
    if indexes.len() - locals > GLOBAL_INDEXES_MAX {
        return Err(DefinitionError::TooManyGlobal);
    }
    let included = |index: &Index| match &index.projection {
        Projection::Include(names) => names.len(),
        Projection::All | Projection::KeysOnly => 0,
    };
    if indexes.iter().map(included).sum::<usize>() > INCLUDED_ATTRIBUTES_MAX {
        return Err(DefinitionError::TooManyIncluded);
    }
    Ok(())
}

fn check_all_used(definitions: &Definitions, keys: &KeySchema, indexes: &[Index]) -> Result<(), DefinitionError> {
    let used = attributes(keys, indexes);
    if definitions.keys().all(|name| used.contains_key(name)) {
        return Ok(());
    }
    Err(DefinitionError::Unused { definitions: join(definitions.keys()), keys: join(used.keys()) })
}

/// The attributes that are part of some key: AttributeDefinitions.
pub fn attributes(keys: &KeySchema, indexes: &[Index]) -> Definitions {
    let all = std::iter::once(keys).chain(indexes.iter().map(|index| &index.keys));
    all.flat_map(KeySchema::attributes).map(|attribute| (attribute.name.clone(), attribute.kind)).collect()
}

pub fn billing(mode: Option<&BillingMode>, units: Option<ProvisionedThroughput>) -> Result<Billing, DefinitionError> {
    match (mode, units) {
        (Some(BillingMode::PayPerRequest), None) => Ok(Billing::OnDemand),
        (Some(BillingMode::PayPerRequest), Some(_)) => Err(DefinitionError::ThroughputUnwanted),
        (None | Some(BillingMode::Provisioned | BillingMode::Unknown(_)), Some(units)) => {
            throughput(units).map(Billing::Provisioned)
        }
        (None | Some(BillingMode::Provisioned | BillingMode::Unknown(_)), None) => {
            Err(DefinitionError::ThroughputMissing)
        }
    }
}

pub fn throughput(units: ProvisionedThroughput) -> Result<Throughput, DefinitionError> {
    let (read, write) = (units.read_capacity_units, units.write_capacity_units);
    for (name, value) in [("ReadCapacityUnits", read), ("WriteCapacityUnits", write)] {
        if value > CAPACITY_UNITS_MAX {
            return Err(DefinitionError::Units { value, name });
        }
    }
    Ok(Throughput { read, write })
}

pub fn class(class: Option<&TableClass>) -> Class {
    match class {
        Some(TableClass::StandardInfrequentAccess) => Class::InfrequentAccess,
        None | Some(TableClass::Standard | TableClass::Unknown(_)) => Class::Standard,
    }
}

/// The tags that a table has when some are added.
pub fn with_tags(
    mut tags: BTreeMap<ByteString, ByteString>,
    added: Vec<Tag>,
) -> Result<BTreeMap<ByteString, ByteString>, DefinitionError> {
    for Tag { key, value } in added {
        if key.starts_with("aws:") {
            return Err(DefinitionError::ReservedTag);
        }
        tags.insert(key, value);
    }
    if tags.len() > TAGS_MAX { Err(DefinitionError::TooManyTags) } else { Ok(tags) }
}
