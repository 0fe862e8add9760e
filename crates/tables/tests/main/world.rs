//! A service to test, and short ways to call it.

use std::sync::Arc;

use api::dynamodb::DynamoDBService;
use api::service::{CallError, ModeledError, Reply, Service};
use base::Bytes;
use base::caller::Caller;
use base::ids::{AccountId, Region};
use base::time::{ManualClock, Timestamp};
use serde_json::{Value, json};
use store::catalog::SharedCatalog;
use store::memory::MemoryCatalog;
use tables::{Tables, TablesBuilder, TablesSettings};
use wire::Protocol;
use wire::json::JsonReader;

pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_250);
pub const ACCOUNT: &str = "111122223333";

/// The name of an error, and its members.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    pub code: String,
    pub message: String,
    pub members: Value,
}

#[derive(Clone)]
pub struct World {
    pub clock: Arc<ManualClock>,
    pub catalog: SharedCatalog,
    pub tables: Arc<Tables>,
    pub caller: Caller,
}

pub fn caller(account: &str, region: &str) -> Caller {
    Caller {
        account: AccountId::new(account.to_owned()).expect("an account"),
        region: Region::new(region.to_owned()).expect("a region"),
        access_key_id: Some("AKIDEXAMPLE".to_owned()),
    }
}

impl World {
    pub async fn new() -> Self {
        Self::with(TablesSettings::default()).await
    }

    pub async fn with(settings: TablesSettings) -> Self {
        Self::on(Arc::new(MemoryCatalog::new()), Arc::new(ManualClock::new(START)), settings).await
    }

    pub async fn on(catalog: SharedCatalog, clock: Arc<ManualClock>, settings: TablesSettings) -> Self {
        let builder = TablesBuilder { catalog: Arc::clone(&catalog), clock: clock.clone(), settings };
        let tables = Arc::new(Tables::start(builder).await.expect("starts"));
        Self { clock, catalog, tables, caller: caller(ACCOUNT, "us-east-1") }
    }

    /// Another service on the same catalog, as after a restart.
    pub async fn restart(self) -> Self {
        let Self { clock, catalog, tables, caller } = self;
        drop(tables);
        Self { caller, ..Self::on(catalog, clock, TablesSettings::default()).await }
    }

    /// The answer to a request, both as JSON.
    pub async fn call(&self, operation: &str, request: Value) -> Result<Value, Refused> {
        let service = DynamoDBService(self.tables.clone());
        let operation = service.model().operation(operation).expect("an operation");
        let mut reader = JsonReader::new(Bytes::from(request.to_string())).expect("UTF-8");
        let answer = service.call(&self.caller, operation, &mut reader).map_err(refused_input)?.await;
        match answer {
            Ok(Reply::Output(output)) => {
                let mut out = Vec::new();
                Protocol::Json10.encode(&*output, &mut out);
                Ok(serde_json::from_slice(&out).expect("JSON"))
            }
            Ok(_) => Ok(json!({})),
            Err(error) => Err(refused(&*error)),
        }
    }

    pub async fn ok(&self, operation: &str, request: Value) -> Value {
        let shown = request.to_string();
        self.call(operation, request).await.unwrap_or_else(|error| panic!("{operation} {shown}: {error:?}"))
    }

    /// The text of the error that a request must end with.
    pub async fn refuses(&self, operation: &str, request: Value, code: &str) -> String {
        let shown = request.to_string();
        let refused = self.call(operation, request).await.expect_err(&shown);
        assert_eq!(refused.code, code, "{operation} {shown}: {}", refused.message);
        refused.message
    }

    /// A ValidationException with this text.
    pub async fn invalid(&self, operation: &str, request: Value, text: &str) {
        let shown = request.to_string();
        assert_eq!(self.refuses(operation, request, "ValidationException").await, text, "{operation} {shown}");
    }

    /// A table whose key is `id`, a string.
    pub async fn create(&self, name: &str) {
        self.ok("CreateTable", table(name, &[("id", "S", "HASH")])).await;
    }

    /// Puts an item, which is wrapped into types.
    pub async fn put(&self, table: &str, item: Value) {
        self.ok("PutItem", json!({"TableName": table, "Item": typed(item)})).await;
    }

    /// The item with this `id`, without its types; `null` when there is none.
    pub async fn get(&self, table: &str, id: &str) -> Value {
        let found = self.ok("GetItem", json!({"TableName": table, "Key": {"id": {"S": id}}})).await;
        plain(&found["Item"])
    }
}

fn refused_input(error: CallError) -> Refused {
    match error {
        CallError::Invalid(message) => {
            Refused { code: "ValidationException".to_owned(), message, members: Value::Null }
        }
        CallError::Malformed(error) => Refused {
            code: "SerializationException".to_owned(),
            message: error.message.unwrap_or_default(),
            members: Value::Null,
        },
    }
}

fn refused(error: &dyn ModeledError) -> Refused {
    struct Members<'a>(&'a dyn ModeledError);
    impl base::codec::Encode for Members<'_> {
        fn encode(&self, writer: &mut dyn base::codec::Writer) {
            self.0.encode(writer);
        }
    }
    let mut out = Vec::new();
    Protocol::Json10.encode(&Members(error), &mut out);
    Refused {
        code: error.code().to_owned(),
        message: error.message().unwrap_or_default().to_owned(),
        members: serde_json::from_slice(&out).expect("JSON"),
    }
}

/// What CreateTable is asked; `keys`: name, type, role of each attribute.
pub fn table(name: &str, keys: &[(&str, &str, &str)]) -> Value {
    let definitions: Vec<Value> =
        keys.iter().map(|(name, kind, _)| json!({"AttributeName": name, "AttributeType": kind})).collect();
    let schema: Vec<Value> =
        keys.iter().map(|(name, _, role)| json!({"AttributeName": name, "KeyType": role})).collect();
    json!({
        "TableName": name, "AttributeDefinitions": definitions, "KeySchema": schema, "BillingMode": "PAY_PER_REQUEST",
    })
}

/// `{"a": 1, "b": "x"}` as `{"a": {"N": "1"}, "b": {"S": "x"}}`.
pub fn typed(item: Value) -> Value {
    let Value::Object(map) = item else { panic!("an item is a map") };
    Value::Object(map.into_iter().map(|(name, value)| (name, with_type(value))).collect())
}

pub fn with_type(value: Value) -> Value {
    match value {
        Value::String(text) => json!({"S": text}),
        Value::Number(number) => json!({"N": number.to_string()}),
        Value::Bool(bool) => json!({"BOOL": bool}),
        Value::Null => json!({"NULL": true}),
        Value::Array(list) => json!({"L": list.into_iter().map(with_type).collect::<Vec<_>>()}),
        map @ Value::Object(_) => json!({"M": typed(map)}),
    }
}

/// The contrary of [`typed`]; sets become sorted lists.
pub fn plain(item: &Value) -> Value {
    let Value::Object(map) = item else { return Value::Null };
    Value::Object(map.iter().map(|(name, value)| (name.clone(), without_type(value))).collect())
}

fn without_type(value: &Value) -> Value {
    let (kind, value) = value.as_object().and_then(|map| map.iter().next()).expect("a typed value");
    match kind.as_str() {
        "N" => serde_json::from_str(value.as_str().expect("text")).expect("a number"),
        "L" => value.as_array().expect("a list").iter().map(without_type).collect(),
        "M" => plain(value),
        "NULL" => Value::Null,
        _ => value.clone(),
    }
}
