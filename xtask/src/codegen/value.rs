//! Code that reads and writes one value of a shape.

use super::names;
use super::plan::{self, Plan};

/// An expression of type `Result<value, DecodeError>`; `r` and `v` are the reader and the violations.
/// `path` is the member's name in paths, empty within a list or map.
pub fn decode(plan: &Plan<'_>, name: &str, path: &str) -> String {
    let shape = plan.model.shape(name);
    let limit = || shape.max.as_ref().map_or_else(|| "usize::MAX".to_owned(), ToString::to_string);
    match shape.kind.as_str() {
        "structure" if path.is_empty() => format!("{}::decode(r, v)", plan.type_name(name)),
        "structure" => format!("read::structure::<{}>(r, v, {path:?})", plan.type_name(name)),
        "list" if plan.is_packed(name) => format!("read::packed(r, v, {path:?}, {})", limit()),
        "list" => collection(plan, "list", path, &limit(), plan::element(shape)),
        "map" => collection(plan, "map", path, &limit(), plan::map_value(shape)),
        "string" if plan::is_enum(shape) => format!("r.string().map({}::from)", plan.type_name(name)),
        _ => format!("r.{}()", method(&shape.kind)),
    }
}

fn collection(plan: &Plan<'_>, kind: &str, path: &str, limit: &str, inner: &str) -> String {
    let value = match plan.model.shape(inner).kind.as_str() {
        "structure" => format!("{}::decode", plan.type_name(inner)),
        "list" | "map" => format!("|r, v| {}", decode(plan, inner, "")),
        _ => format!("|r, _| {}", decode(plan, inner, "")),
    };
    format!("read::{kind}(r, v, {path:?}, {limit}, {value})")
}

/// Statements that write the value at `place`, which is an expression of type `T` or, with `by_reference`, `&T`.
pub fn encode(plan: &Plan<'_>, name: &str, place: &str, by_reference: bool) -> String {
    let shape = plan.model.shape(name);
    let borrowed = if by_reference { place.to_owned() } else { format!("&{place}") };
    let copied = if by_reference { format!("*{place}") } else { place.to_owned() };
    match shape.kind.as_str() {
        "structure" => format!("{place}.encode(w);"),
        "list" => {
            let inner = encode(plan, plan::element(shape), "item", true);
            format!("w.begin_list({place}.len()); for item in {borrowed} {{ {inner} }} w.end_list();")
        }
        "map" => {
            let inner = encode(plan, plan::map_value(shape), "item", true);
            format!("w.begin_map({place}.len()); for (key, item) in {borrowed} {{ w.key(key); {inner} }} w.end_map();")
        }
        "string" if plan::is_enum(shape) => format!("w.string({place}.as_str());"),
        "string" | "character" | "blob" => format!("w.{}({borrowed});", method(&shape.kind)),
        kind => format!("w.{}({copied});", method(kind)),
    }
}

/// The method of `Reader` and `Writer` for a scalar.
fn method(kind: &str) -> &str {
    match kind {
        "character" => "string",
        "float" => "double",
        kind => kind,
    }
}

/// The class name of a shape in AWS's texts.
pub fn class(plan: &Plan<'_>, name: &str) -> String {
    let version = plan.model.metadata.api_version.replace('-', "");
    format!("com.amazonaws.{}.v{version}.{}", plan.trait_name.to_ascii_lowercase(), names::upper_first(name))
}
