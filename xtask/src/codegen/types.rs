//! Structures and enumerations with their codecs.

use super::constraints;
use super::names;
use super::packed;
use super::patterns::Patterns;
use super::plan::{self, Field, Plan, Structure};
use super::value;

/// A structure with `Decode`, `Encode` and, when inputs reach it, `Validate`.
pub fn structure(plan: &Plan<'_>, patterns: &Patterns, structure: &Structure<'_>) -> Vec<String> {
    if let Some(list) = &structure.packed {
        return packed::structure(plan, patterns, structure, list);
    }
    let name = &structure.type_name;
    let mut out = format!("#[derive(Debug, Clone, Default, PartialEq)]\npub struct {name} {{\n");
    for field in &structure.fields {
        out += &format!("{}pub {}: {},\n", facts(plan, field), field.rust, plan.field_type(field));
    }
    out += "}\n\n";
    out += &decode(plan, structure);
    let mut items = vec![out, encode(plan, name, &structure.fields, false)];
    if structure.validated {
        items.push(validate(plan, patterns, structure, false));
    }
    items
}

/// What the model says about a member's values, as a doc comment.
pub fn facts(plan: &Plan<'_>, field: &Field<'_>) -> String {
    let shape = plan.model.shape(field.shape);
    let unit = match shape.kind.as_str() {
        "string" => " characters",
        "blob" => " bytes",
        "list" => " elements",
        "map" => " entries",
        _ => "",
    };
    let mut facts = match (&shape.min, &shape.max) {
        (Some(min), Some(max)) if min == max => format!("{min}{unit}"),
        (Some(min), Some(max)) => format!("{min} to {max}{unit}"),
        (Some(min), None) => format!("At least {min}{unit}"),
        (None, Some(max)) => format!("At most {max}{unit}"),
        (None, None) => String::new(),
    };
    if let Some(pattern) = shape.pattern.as_ref().filter(|p| !p.contains(['`', '\n', '\r', '\t'])) {
        facts += &format!("{}`{pattern}`", if facts.is_empty() { "" } else { ", " });
    }
    if facts.is_empty() { facts } else { format!("/// {facts}.\n") }
}

fn decode(plan: &Plan<'_>, structure: &Structure<'_>) -> String {
    let name = &structure.type_name;
    let fields = &structure.fields;
    let nested = |f: &Field<'_>| matches!(plan.model.shape(f.shape).kind.as_str(), "structure" | "list" | "map");
    let v = if fields.iter().any(|f| f.required || nested(f)) { "v" } else { "_" };
    let mut out = format!(
        "impl Decode for {name} {{\nfn decode(r: &mut dyn Reader, {v}: &mut Violations) -> Result<Self, DecodeError> {{\n"
    );
    if fields.is_empty() {
        out += "r.begin_struct()?;\nwhile r.next_field(&[])?.is_some() {}\nOk(Self {})\n}\n}\n\n";
        return out;
    }
    let wires: Vec<&str> = fields.iter().map(|f| f.wire).collect();
    out += &format!("const FIELDS: &[&str] = &{wires:?};\n");
    out += &read_fields(fields, |field| {
        let boxed = if field.boxed { ".map(Box::new)" } else { "" };
        format!("{}{boxed}?", value::decode(plan, field.shape, &field.path))
    });
    out += "Ok(Self {\n";
    for field in fields {
        let local = local(field);
        if field.required {
            out += &format!("{}: read::required({local}, {:?}, v),\n", field.rust, field.path);
        } else if local == field.rust {
            out += &format!("{local},\n");
        } else {
            out += &format!("{}: {local},\n", field.rust);
        }
    }
    out += "})\n}\n}\n\n";
    out
}

/// The variables of the members and the loop that reads them; `value` gives the expression for one.
pub fn read_fields(fields: &[Field<'_>], value: impl Fn(&Field<'_>) -> String) -> String {
    let variables: String = fields.iter().map(|field| format!("let mut {} = None;\n", local(field))).collect();
    let read = |field: &Field<'_>| format!("{} = Some({})", local(field), value(field));
    if let [only] = fields {
        let read = read(only);
        return format!("{variables}r.begin_struct()?;\nwhile r.next_field(FIELDS)?.is_some() {{\n{read};\n}}\n");
    }
    let mut out =
        format!("{variables}r.begin_struct()?;\nwhile let Some(field) = r.next_field(FIELDS)? {{\nmatch field {{\n");
    for (i, field) in fields.iter().enumerate() {
        // The last arm takes the rest: the reader answers with no other index.
        let arm = if i + 1 == fields.len() { "_".to_owned() } else { i.to_string() };
        out += &format!("{arm} => {},\n", read(field));
    }
    out + "}\n}\n"
}

/// The variable that holds a member while its structure is read; apart from the names `r`, `v` and `field`.
pub fn local(field: &Field<'_>) -> String {
    match field.rust.as_str() {
        "r" | "v" | "field" => format!("{}_value", field.rust),
        name => name.to_owned(),
    }
}

/// `Encode` over the fields, which are references where the structure is `borrowed`.
pub fn encode(plan: &Plan<'_>, name: &str, fields: &[Field<'_>], borrowed: bool) -> String {
    let reference = if borrowed { "" } else { "&" };
    let mut out = format!("impl Encode for {name} {{\nfn encode(&self, w: &mut dyn Writer) {{\nw.begin_struct();\n");
    for field in fields {
        let place = format!("self.{}", field.rust);
        if field.required {
            let write = value::encode(plan, field.shape, &place, borrowed);
            out += &format!("w.field({:?});\n{write}\n", field.wire);
        } else {
            let write = value::encode(plan, field.shape, "value", true);
            out += &format!("if let Some(value) = {reference}{place} {{\nw.field({:?});\n{write}\n}}\n", field.wire);
        }
    }
    out += "w.end_struct();\n}\n}\n\n";
    out
}

/// `Validate` over the fields, which are references where the structure is `borrowed`.
pub fn validate(plan: &Plan<'_>, patterns: &Patterns, structure: &Structure<'_>, borrowed: bool) -> String {
    let (reference, lifetime) = if borrowed { ("", "<'_>") } else { ("&", "") };
    let mut body = String::new();
    for field in &structure.fields {
        let place = match (field.required, field.boxed) {
            (true, false) => format!("{reference}self.{}", field.rust),
            (true, true) => format!("self.{}.as_ref()", field.rust),
            (false, false) => "value".to_owned(),
            (false, true) => "value.as_ref()".to_owned(),
        };
        if !field.required && plan::is_enum(plan.model.shape(field.shape)) {
            let kind = plan.type_name(field.shape);
            body += &format!(
                "if let Some({kind}::Unknown(value)) = &self.{} {{ check::not_in_enum(v, {:?}, value, {kind}::CONSTRAINT); }}",
                field.rust, field.path
            );
            continue;
        }
        let checks = constraints::check(plan, patterns, field.shape, &place, &field.path);
        if checks.is_empty() {
            continue;
        }
        if field.required {
            body += &checks;
        } else {
            body += &format!("if let Some(value) = {reference}self.{} {{ {checks} }}\n", field.rust);
        }
    }
    let v = if body.is_empty() { "_" } else { "v" };
    format!(
        "impl Validate for {}{lifetime} {{\nfn validate(&self, {v}: &mut Violations) {{\n{body}}}\n}}\n\n",
        structure.type_name
    )
}

/// An enumeration that keeps values it does not know.
pub fn enumeration(plan: &Plan<'_>, shape: &str) -> String {
    let name = plan.type_name(shape);
    let values = &plan.model.shape(shape).values;
    let mut variants: Vec<(String, &str)> = Vec::new();
    for value in values {
        let mut variant = names::variant(value);
        while variants.iter().any(|(v, _)| *v == variant) {
            variant.push('_');
            variant.push_str(&variants.len().to_string());
        }
        variants.push((variant.replace('_', ""), value));
    }
    let declared: String = variants.iter().map(|(v, _)| format!("{v},\n")).collect();
    let shown: String = variants.iter().map(|(v, text)| format!("Self::{v} => {text:?},\n")).collect();
    let parsed: String = variants.iter().map(|(v, text)| format!("{text:?} => Self::{v},\n")).collect();
    let constraint = constraints::enum_text(values);
    format!(
        "#[derive(Debug, Clone, PartialEq, Eq)]\npub enum {name} {{\n{declared}\
         /// A value that the model does not list.\nUnknown(ByteString),\n}}\n\n\
         impl {name} {{\n\
         /// The text of the constraint that [`Self::Unknown`] breaks.\n\
         pub const CONSTRAINT: &'static str = {constraint:?};\n\n\
         #[must_use]\npub fn as_str(&self) -> &str {{\nmatch self {{\n{shown}Self::Unknown(value) => value,\n}}\n}}\n}}\n\n\
         impl From<ByteString> for {name} {{\nfn from(value: ByteString) -> Self {{\n\
         match value.as_ref() {{\n{parsed}_ => Self::Unknown(value),\n}}\n}}\n}}\n\n\
         impl Default for {name} {{\nfn default() -> Self {{\nSelf::Unknown(ByteString::new())\n}}\n}}\n\n\
         impl std::fmt::Display for {name} {{\n\
         fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\nf.write_str(self.as_str())\n}}\n}}\n\n"
    )
}
