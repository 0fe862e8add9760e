//! The trait of a service, its model as constants, and its view for the gateway.

use super::errors;
use super::names;
use super::plan::{Operation, Plan};

/// The trait with one method per operation.
pub fn contract(plan: &Plan<'_>) -> String {
    let error = errors::enum_name(plan);
    let mut methods = String::new();
    for operation in &plan.operations {
        let answer = match operation.stream {
            Some(stream) => format!("EventStream<{}, {error}>", plan.event_type(stream)),
            None => format!("{}Output", operation.name),
        };
        methods += &format!(
            "fn {}<'a>(&'a self, caller: &'a Caller, input: {}Input) -> BoxFuture<'a, Result<{answer}, {error}>>;\n\n",
            names::member(&names::snake(operation.name)),
            operation.name
        );
    }
    format!(
        "/// The operations of the service.\npub trait {}: Send + Sync + 'static {{\n{}}}\n",
        plan.trait_name,
        methods.trim_end()
    )
}

/// `OPERATIONS` and `SERVICE`.
pub fn model(plan: &Plan<'_>) -> String {
    let metadata = &plan.model.metadata;
    let mut operations = String::new();
    for (index, operation) in plan.operations.iter().enumerate() {
        let Operation { name, method, uri, stream, .. } = operation;
        operations += &format!(
            "OperationModel {{ name: {name:?}, index: {index}, method: {method:?}, uri: {uri:?}, event_stream: {} }},\n",
            stream.is_some()
        );
    }
    format!(
        "/// The operations by name.\npub const OPERATIONS: &[OperationModel] = &[\n{operations}];\n\n\
         /// The service.\npub static SERVICE: ServiceModel = ServiceModel {{\nname: {:?},\ntarget_prefix: {:?},\n\
         json_version: {:?},\nprotocols: &{:?},\nxml_namespace: {:?},\nsigning_name: {:?},\napi_version: {:?},\n\
         operations: OPERATIONS,\n}};\n",
        plan.trait_name,
        metadata.target_prefix.as_deref().unwrap_or(""),
        metadata.json_version.as_deref().unwrap_or(""),
        metadata.protocols(),
        metadata.xml_namespace.as_deref().unwrap_or(""),
        metadata.signing_name(),
        metadata.api_version,
    )
}

/// `Service` over any implementation of the trait.
pub fn dispatch(plan: &Plan<'_>) -> String {
    let name = &plan.trait_name;
    let mut arms = String::new();
    for (index, operation) in plan.operations.iter().enumerate() {
        let answer = match operation.stream {
            Some(_) => "events",
            None if operation.has_output => "output",
            None => "empty",
        };
        let method = names::member(&names::snake(operation.name));
        arms += &format!("{index} => service::{answer}(self.0.{method}(caller, service::input(body)?)),\n");
    }
    format!(
        "/// The service as the gateway calls it.\n#[derive(Clone)]\npub struct {name}Service(pub Arc<dyn {name}>);\n\n\
         impl Service for {name}Service {{\n\
         fn model(&self) -> &'static ServiceModel {{\n&SERVICE\n}}\n\n\
         fn call<'a>(&'a self, caller: &'a Caller, operation: &'static OperationModel, body: &mut dyn Reader) \
         -> Result<Answer<'a>, CallError> {{\n\
         Ok(match operation.index {{\n{arms}\
         _ => return Err(CallError::Malformed(DecodeError::new(\"the operation is not one of this service\"))),\n\
         }})\n}}\n}}\n"
    )
}

/// `Event` for the events of each stream; an enumeration where there is more than one kind.
pub fn events(plan: &Plan<'_>) -> Vec<String> {
    let mut items = Vec::new();
    let mut streams: Vec<&str> = plan.operations.iter().filter_map(|o| o.stream).collect();
    streams.sort_unstable();
    streams.dedup();
    for stream in streams {
        let events = plan.events(stream);
        let name = plan.event_type(stream);
        if let [(member, _)] = events.as_slice() {
            items.push(format!(
                "impl Event for {name} {{\nfn event_type(&self) -> &'static str {{\n{member:?}\n}}\n}}\n\n"
            ));
            continue;
        }
        let variants: String =
            events.iter().map(|(m, s)| format!("{}({}),\n", names::upper_first(m), plan.type_name(s))).collect();
        let kinds: String =
            events.iter().map(|(m, _)| format!("Self::{}(_) => {m:?},\n", names::upper_first(m))).collect();
        let encodes: String = events
            .iter()
            .map(|(m, _)| format!("Self::{}(event) => event.encode(w),\n", names::upper_first(m)))
            .collect();
        items.push(format!(
            "#[derive(Debug, Clone, PartialEq)]\npub enum {name} {{\n{variants}}}\n\n\
             impl Event for {name} {{\nfn event_type(&self) -> &'static str {{\nmatch self {{\n{kinds}}}\n}}\n}}\n\n\
             impl Encode for {name} {{\nfn encode(&self, w: &mut dyn Writer) {{\nmatch self {{\n{encodes}}}\n}}\n}}\n\n"
        ));
    }
    items
}
