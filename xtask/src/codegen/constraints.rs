//! Code that checks one value of a shape against the model.

use super::patterns::Patterns;
use super::plan::{self, Plan};
use super::value;

/// Statements that check the value at `place` (an expression of type `&T`); `v` is the violations.
/// `path` is the member's name, empty within a list or map. Empty text when nothing can be broken.
pub fn check(plan: &Plan<'_>, patterns: &Patterns, name: &str, place: &str, path: &str) -> String {
    let shape = plan.model.shape(name);
    match shape.kind.as_str() {
        "structure" if !plan.constrained(name) => String::new(),
        "structure" if path.is_empty() => format!("{place}.validate(v);"),
        "structure" => format!("check::structure(v, {path:?}, {place});"),
        "list" => list(plan, patterns, name, place, path),
        "map" => map(plan, patterns, name, place, path),
        _ => scalar(plan, patterns, name, place, path),
    }
}

fn scalar(plan: &Plan<'_>, patterns: &Patterns, name: &str, place: &str, path: &str) -> String {
    let shape = plan.model.shape(name);
    let mut out = String::new();
    match shape.kind.as_str() {
        "string" if plan::is_enum(shape) => {
            let kind = plan.type_name(name);
            out += &format!(
                "if let {kind}::Unknown(value) = {place} {{ check::not_in_enum(v, {path:?}, value, {kind}::CONSTRAINT); }}"
            );
        }
        "string" => {
            if let Some(constant) = shape.pattern.as_deref().and_then(|p| patterns.constant(p)) {
                out += &format!("check::pattern(v, {path:?}, {place}, &patterns::{constant});");
            }
            if let Some((min, max)) = bounds(plan, name) {
                out += &format!("check::length(v, {path:?}, {place}, {min}, {max});");
            }
        }
        "blob" => {
            if let Some((min, max)) = bounds(plan, name) {
                out += &format!("check::bytes(v, {path:?}, {place}, {min}, {max});");
            }
        }
        "integer" | "long" | "double" | "float" => {
            let value = place.strip_prefix('&').map_or_else(|| format!("*{place}"), ToOwned::to_owned);
            if let Some(min) = &shape.min {
                out += &format!("check::at_least(v, {path:?}, {value}, {});", number(&shape.kind, min));
            }
            if let Some(max) = &shape.max {
                out += &format!("check::at_most(v, {path:?}, {value}, {});", number(&shape.kind, max));
            }
        }
        _ => {}
    }
    out
}

fn list(plan: &Plan<'_>, patterns: &Patterns, name: &str, place: &str, path: &str) -> String {
    let shape = plan.model.shape(name);
    let element = plan::element(shape);
    let mut out = String::new();
    if let Some((min, max)) = bounds(plan, name) {
        let owner = owner(place);
        let shown = if is_shown(plan, element) {
            format!("check::Listed({place})")
        } else {
            format!("check::Objects {{ class: {:?}, count: {owner}.len() }}", value::class(plan, element))
        };
        out += &format!("check::size(v, {path:?}, {owner}.len(), {min}, {max}, &{shown});");
    }
    if let Some(rule) = rule(plan, patterns, element) {
        let text = format!("Member must satisfy constraint: [{}]", rule.texts.join(", "));
        let owner = owner(place);
        out += &format!(
            "check::all(v, {path:?}, {owner}.iter().all(|item| {}), &check::Listed({place}), {text:?});",
            rule.condition
        );
    } else if !is_scalar(plan, element) {
        let inner = check(plan, patterns, element, "item", "");
        if !inner.is_empty() {
            out += &format!("check::elements(v, {path:?}, {place}, |v, item| {});", closure(&inner));
        }
    }
    out
}

fn map(plan: &Plan<'_>, patterns: &Patterns, name: &str, place: &str, path: &str) -> String {
    let shape = plan.model.shape(name);
    let (key, item) = (plan::map_key(shape), plan::map_value(shape));
    let owner = owner(place);
    let shown = if is_shown(plan, item) {
        format!("check::Mapped({place})")
    } else {
        format!("check::Objects {{ class: {:?}, count: {owner}.len() }}", value::class(plan, item))
    };
    let mut out = String::new();
    if let Some((min, max)) = bounds(plan, name) {
        out += &format!("check::size(v, {path:?}, {owner}.len(), {min}, {max}, &{shown});");
    }
    if let Some(rule) = key_rule(plan, patterns, key) {
        let text = format!("Map keys must satisfy constraint: [{}]", rule.texts.join(", "));
        out += &format!("check::all(v, {path:?}, {owner}.keys().all(|item| {}), &{shown}, {text:?});", rule.condition);
    }
    if let Some(rule) = rule(plan, patterns, item) {
        let text = format!("Map value must satisfy constraint: [{}]", rule.texts.join(", "));
        out +=
            &format!("check::all(v, {path:?}, {owner}.values().all(|item| {}), &{shown}, {text:?});", rule.condition);
    } else if !is_scalar(plan, item) {
        let inner = check(plan, patterns, item, "item", "");
        if !inner.is_empty() {
            out += &format!("check::values(v, {path:?}, {place}, |v, item| {});", closure(&inner));
        }
    }
    out
}

/// What the scalars of a list or map must fulfil together: AWS reports it once, for the whole.
struct Rule {
    /// An expression over `item`.
    condition: String,
    texts: Vec<String>,
}

fn rule(plan: &Plan<'_>, patterns: &Patterns, name: &str) -> Option<Rule> {
    let shape = plan.model.shape(name);
    if plan::is_enum(shape) {
        let condition = format!("!matches!(item, {}::Unknown(_))", plan.type_name(name));
        return Some(Rule { condition, texts: vec![enum_text(&shape.values)] });
    }
    (shape.kind == "string").then(|| string_rule(plan, patterns, name)).flatten()
}

/// As [`rule`]; keys of an enumeration are still strings.
fn key_rule(plan: &Plan<'_>, patterns: &Patterns, name: &str) -> Option<Rule> {
    let shape = plan.model.shape(name);
    if plan::is_enum(shape) {
        let condition = format!("!matches!({}::from(item.clone()), {0}::Unknown(_))", plan.type_name(name));
        return Some(Rule { condition, texts: vec![enum_text(&shape.values)] });
    }
    string_rule(plan, patterns, name)
}

fn string_rule(plan: &Plan<'_>, patterns: &Patterns, name: &str) -> Option<Rule> {
    let shape = plan.model.shape(name);
    let (mut conditions, mut texts) = (Vec::new(), Vec::new());
    if let Some((min, max)) = bounds(plan, name) {
        conditions.push(format!("check::fits(item, {min}, {max})"));
        texts.extend(shape.max.as_ref().map(|max| format!("Member must have length less than or equal to {max}")));
        texts.extend(shape.min.as_ref().map(|min| format!("Member must have length greater than or equal to {min}")));
    }
    if let Some(pattern) = &shape.pattern
        && let Some(constant) = patterns.constant(pattern)
    {
        conditions.push(format!("patterns::{constant}.matches(item)"));
        texts.push(format!("Member must satisfy regular expression pattern: {pattern}"));
    }
    (!conditions.is_empty()).then(|| Rule { condition: conditions.join(" && "), texts })
}

/// The text of an enumeration's constraint.
pub fn enum_text(values: &[String]) -> String {
    format!("Member must satisfy enum value set: [{}]", values.join(", "))
}

/// Smallest and largest length as expressions; `None` when every length is right.
fn bounds(plan: &Plan<'_>, name: &str) -> Option<(String, String)> {
    let shape = plan.model.shape(name);
    let min = shape.min.as_ref().map_or_else(|| "0".to_owned(), ToString::to_string);
    let max = shape.max.as_ref().map_or_else(|| "usize::MAX".to_owned(), ToString::to_string);
    (min != "0" || max != "usize::MAX").then_some((min, max))
}

fn number(kind: &str, value: &serde_json::Number) -> String {
    let text = value.to_string();
    match kind {
        "double" | "float" if !text.contains(['.', 'e']) => format!("{text}.0"),
        _ => text,
    }
}

fn is_scalar(plan: &Plan<'_>, name: &str) -> bool {
    !matches!(plan.model.shape(name).kind.as_str(), "structure" | "list" | "map")
}

/// Whether values of the shape can be printed.
fn is_shown(plan: &Plan<'_>, name: &str) -> bool {
    !matches!(plan.model.shape(name).kind.as_str(), "structure" | "list" | "map" | "blob")
}

/// Statements as the body of a closure.
fn closure(statements: &str) -> String {
    match statements.strip_suffix(';') {
        Some(one) if !one.contains([';', '{']) => one.to_owned(),
        _ => format!("{{ {statements} }}"),
    }
}

/// `&self.x` -> `self.x`, for method calls.
fn owner(place: &str) -> &str {
    place.strip_prefix('&').unwrap_or(place)
}
