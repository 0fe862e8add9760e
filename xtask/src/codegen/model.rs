//! The facts of one AWS service as they stand in `models/<service>.json`.
//!
//! The same types read a botocore service model: what they do not name (prose first of all) falls away.

use serde::{Deserialize, Serialize};

use super::ordered::Ordered;

#[derive(Debug, Clone, Deserialize, Serialize)]
pub struct Model {
    pub metadata: Metadata,
    pub operations: Ordered<Operation>,
    pub shapes: Ordered<Shape>,
}

impl Model {
    /// A shape that the model refers to.
    pub fn shape(&self, name: &str) -> &Shape {
        self.shapes.get(name).unwrap_or_else(|| panic!("the model refers to the shape {name} and lacks it"))
    }
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    pub service_id: String,
    pub api_version: String,
    pub protocol: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protocols: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_prefix: Option<String>,
    pub endpoint_prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_name: Option<String>,
    pub signature_version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xml_namespace: Option<String>,
}

impl Metadata {
    /// The protocols of the service, its first choice first. Older models name one.
    pub fn protocols(&self) -> &[String] {
        if self.protocols.is_empty() { std::slice::from_ref(&self.protocol) } else { &self.protocols }
    }

    /// The service name in a signature's scope.
    pub fn signing_name(&self) -> &str {
        self.signing_name.as_deref().unwrap_or(&self.endpoint_prefix)
    }
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Operation {
    pub http: Http,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Member>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Member>,
    #[serde(skip_serializing_if = "is_false")]
    pub idempotent: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authtype: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requestcompression: Option<Compression>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Http {
    pub method: String,
    pub request_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_code: Option<u16>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Compression {
    pub encodings: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Endpoint {
    pub host_prefix: String,
}

/// A reference to a shape and how the referring place binds it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Member {
    pub shape: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_wrapper: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub flattened: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub streaming: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub jsonvalue: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub idempotency_token: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub eventpayload: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub eventheader: bool,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Shape {
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    #[serde(skip_serializing_if = "Ordered::is_empty")]
    pub members: Ordered<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member: Option<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Member>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<serde_json::Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp_format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_name: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub exception: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub fault: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorTrait>,
    #[serde(skip_serializing_if = "is_false")]
    pub eventstream: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub event: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub union: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub document: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub flattened: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub sensitive: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub streaming: bool,
}

/// How an error travels.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorTrait {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status_code: Option<u16>,
    #[serde(skip_serializing_if = "is_false")]
    pub sender_fault: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}
