//! The errors of a service: one enumeration over a structure per error shape.

use super::names;
use super::plan::{Field, Plan};
use super::types;

/// Items of the file: the enumeration first.
pub fn items(plan: &Plan<'_>) -> Vec<String> {
    let mut errors: Vec<ErrorShape<'_>> = plan.errors.iter().map(|name| ErrorShape::new(plan, name)).collect();
    if !errors.iter().any(|e| e.type_name == "ValidationException") {
        errors.push(ErrorShape::validation(plan));
    }
    let mut items = vec![enumeration(plan, &errors), constructors(plan, &errors), traits(plan, &errors)];
    items.extend(errors.iter().map(|error| structure(plan, error)));
    items
}

struct ErrorShape<'m> {
    /// The name of the function that makes one.
    constructor: String,
    type_name: String,
    code: String,
    /// Its name in the query protocol.
    query_code: String,
    status: u16,
    fields: Vec<Field<'m>>,
    /// Whether the model itself has the member for the text.
    has_message: bool,
}

impl<'m> ErrorShape<'m> {
    fn new(plan: &Plan<'m>, name: &'m str) -> Self {
        let shape = plan.model.shape(name);
        let error = shape.error.clone().unwrap_or_default();
        let query = speaks_query_only(plan);
        let mut fields = plan.fields(name);
        for field in &mut fields {
            field.required = false;
            // The JSON protocols carry the text in lower case, however the model spells it.
            if field.rust == "message" && !query {
                field.wire = "message";
            }
        }
        let has_message = fields.iter().any(|f| f.rust == "message");
        let query_code = error.code.unwrap_or_else(|| name.to_owned());
        Self {
            constructor: constructor(plan, name),
            type_name: names::type_name(name),
            code: if query { query_code.clone() } else { name.to_owned() },
            query_code,
            status: error.http_status_code.unwrap_or(if shape.fault { 500 } else { 400 }),
            fields,
            has_message,
        }
    }

    /// The error of broken constraints, which every service answers even where its model is silent.
    fn validation(plan: &Plan<'_>) -> Self {
        let (type_name, query_code) = ("ValidationException".to_owned(), "ValidationError".to_owned());
        Self {
            constructor: "validation".to_owned(),
            code: if speaks_query_only(plan) { query_code.clone() } else { type_name.clone() },
            type_name,
            query_code,
            status: 400,
            fields: Vec::new(),
            has_message: false,
        }
    }
}

fn speaks_query_only(plan: &Plan<'_>) -> bool {
    plan.model.metadata.protocols().iter().all(|protocol| matches!(protocol.as_str(), "query" | "ec2"))
}

/// The short name, unless another error of the service has it by right.
fn constructor(plan: &Plan<'_>, name: &str) -> String {
    let short = names::error_constructor(name);
    let taken = name.ends_with("Exception") && plan.errors.iter().any(|e| *e != name && names::snake(e) == short);
    if taken { names::snake(name) } else { short }
}

fn enumeration(plan: &Plan<'_>, errors: &[ErrorShape<'_>]) -> String {
    let variants: String = errors.iter().map(|e| format!("{0}({0}),\n", e.type_name)).collect();
    let name = enum_name(plan);
    format!(
        "/// The errors of the service.\n#[derive(Debug, Clone, PartialEq)]\n\
         #[allow(clippy::enum_variant_names, reason = \"the names are those of the model\")]\npub enum {name} {{\n{variants}}}\n\n"
    )
}

pub fn enum_name(plan: &Plan<'_>) -> String {
    format!("{}Error", plan.trait_name)
}

fn constructors(plan: &Plan<'_>, errors: &[ErrorShape<'_>]) -> String {
    let mut functions = String::new();
    let mut known = String::new();
    for error in errors {
        let name = &error.type_name;
        let rest = if error.fields.len() > usize::from(error.has_message) { ", ..Default::default()" } else { "" };
        let function = &error.constructor;
        functions += &format!(
            "#[must_use]\npub fn {function}(message: impl Into<String>) -> Self {{\n\
             Self::{name}({name} {{ message: Some(ByteString::from(message.into())){rest} }})\n}}\n\n"
        );
        known += &format!("{:?} => Some(Self::{function}(message)),\n", error.code);
    }
    format!(
        "impl {} {{\n{functions}\
         /// The error that a client has been answered; `None` when the model does not know the code.\n\
         pub fn from_code(code: &str, message: impl Into<String>) -> Option<Self> {{\n\
         match code {{\n{known}_ => None,\n}}\n}}\n}}\n\n",
        enum_name(plan)
    )
}

fn traits(plan: &Plan<'_>, errors: &[ErrorShape<'_>]) -> String {
    let name = enum_name(plan);
    let arms = |arm: &dyn Fn(&ErrorShape<'_>) -> String| -> String { errors.iter().map(arm).collect() };
    let codes = arms(&|e| format!("Self::{}(_) => {:?},\n", e.type_name, e.code));
    let query_codes = query_codes(plan, errors);
    let statuses = statuses(errors);
    let messages = arms(&|e| format!("Self::{}(error) => error.message.as_deref(),\n", e.type_name));
    let encodes = arms(&|e| format!("Self::{}(error) => error.encode(w),\n", e.type_name));
    let conversions = arms(&|e| {
        format!(
            "impl From<{0}> for {name} {{\nfn from(error: {0}) -> Self {{\nSelf::{0}(error)\n}}\n}}\n\n",
            e.type_name
        )
    });
    format!(
        "impl ModeledError for {name} {{\n\
         fn code(&self) -> &'static str {{\nmatch self {{\n{codes}}}\n}}\n\n{query_codes}\
         fn status(&self) -> u16 {{\n{statuses}\n}}\n\n\
         fn message(&self) -> Option<&str> {{\nmatch self {{\n{messages}}}\n}}\n}}\n\n\
         impl Encode for {name} {{\nfn encode(&self, w: &mut dyn Writer) {{\nmatch self {{\n{encodes}}}\n}}\n}}\n\n\
         impl std::fmt::Display for {name} {{\n\
         fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n\
         write!(f, \"{{}}: {{}}\", self.code(), self.message().unwrap_or_default())\n}}\n}}\n\n\
         impl std::error::Error for {name} {{}}\n\n{conversions}"
    )
}

/// `query_code`, where a service has errors that the query protocol names in its own way.
fn query_codes(plan: &Plan<'_>, errors: &[ErrorShape<'_>]) -> String {
    if !plan.model.metadata.protocols().iter().any(|protocol| protocol == "query") {
        return String::new();
    }
    let named: String = errors
        .iter()
        .filter(|e| e.query_code != e.code)
        .map(|e| format!("Self::{}(_) => {:?},\n", e.type_name, e.query_code))
        .collect();
    if named.is_empty() {
        return named;
    }
    format!("fn query_code(&self) -> &'static str {{\nmatch self {{\n{named}_ => self.code(),\n}}\n}}\n\n")
}

/// The body of `status`: what is not the most common one is named.
fn statuses(errors: &[ErrorShape<'_>]) -> String {
    let named: Vec<String> = errors
        .iter()
        .filter(|e| e.status != 400)
        .map(|e| format!("Self::{}(_) => {},\n", e.type_name, e.status))
        .collect();
    if named.is_empty() {
        return "400".to_owned();
    }
    let rest = if named.len() < errors.len() { "_ => 400,\n" } else { "" };
    format!("match self {{\n{}{rest}}}", named.concat())
}

fn structure(plan: &Plan<'_>, error: &ErrorShape<'_>) -> String {
    let name = &error.type_name;
    let mut out = format!("#[derive(Debug, Clone, Default, PartialEq)]\npub struct {name} {{\n");
    for field in &error.fields {
        out += &format!("pub {}: {},\n", field.rust, plan.field_type(field));
    }
    if error.has_message {
        return out + "}\n\n" + &types::encode(plan, name, &error.fields, false);
    }
    out += "pub message: Option<ByteString>,\n}\n\n";
    let encode = types::encode(plan, name, &error.fields, false);
    let message = "if let Some(value) = &self.message {\nw.field(\"message\");\nw.string(value);\n}\nw.end_struct();";
    out + &encode.replace("w.end_struct();", message)
}
