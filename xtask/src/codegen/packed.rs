//! Structures whose lists are packed: borrowed from their list, with the code that reads them into it.

use super::patterns::Patterns;
use super::plan::{Field, Plan, Structure};
use super::types;

/// The structure, its list, and their codecs.
pub fn structure(plan: &Plan<'_>, patterns: &Patterns, structure: &Structure<'_>, list: &str) -> Vec<String> {
    let name = &structure.type_name;
    let fields = &structure.fields;
    let mut out = format!("#[derive(Debug, Clone, Copy, Default, PartialEq)]\npub struct {name}<'a> {{\n");
    for field in fields {
        let value = if is_blob(plan, field) { "&'a [u8]" } else { "&'a str" };
        let value = if field.required { value.to_owned() } else { format!("Option<{value}>") };
        out += &format!("{}pub {}: {value},\n", types::facts(plan, field), field.rust);
    }
    let count = fields.len();
    out += &format!("}}\n\npub type {list} = PackedList<{name}<'static>, {count}>;\n\n");
    out += &format!(
        "impl<'a> FromIterator<{name}<'a>> for {list} {{\n\
         fn from_iter<I: IntoIterator<Item = {name}<'a>>>(entries: I) -> Self {{\n\
         let mut list = Self::new();\nentries.into_iter().for_each(|entry| list.push(entry));\nlist\n}}\n}}\n\n\
         impl Packed<{count}> for {name}<'static> {{\ntype Entry<'a> = {name}<'a>;\n\n"
    );
    out += &decode(plan, fields);
    out += &convert(plan, structure);
    out += "}\n\n";
    let mut items = vec![out, types::encode(plan, &format!("{name}<'_>"), fields, true)];
    if structure.validated {
        items.push(types::validate(plan, patterns, structure, true));
    }
    items
}

fn decode(plan: &Plan<'_>, fields: &[Field<'_>]) -> String {
    let v = if fields.iter().any(|f| f.required) { "v" } else { "_" };
    let wires: Vec<&str> = fields.iter().map(|f| f.wire).collect();
    let read = types::read_fields(fields, |field| format!("arena.read_{}(r)?", kind(plan, field)));
    let members: String = fields
        .iter()
        .map(|field| match (field.required, types::local(field)) {
            (true, local) => format!("read::required({local}, {:?}, v),\n", field.path),
            (false, local) => format!("{local}.unwrap_or(Span::ABSENT),\n"),
        })
        .collect();
    format!(
        "fn decode(r: &mut dyn Reader, {v}: &mut Violations, arena: &mut Arena) \
         -> Result<[Span; {}], DecodeError> {{\nconst FIELDS: &[&str] = &{wires:?};\n{read}Ok([\n{members}])\n}}\n\n",
        fields.len()
    )
}

/// Into a list and out of it.
fn convert(plan: &Plan<'_>, structure: &Structure<'_>) -> String {
    let name = &structure.type_name;
    let fields = &structure.fields;
    let (mut packed, mut unpacked, mut names) = (String::new(), String::new(), String::new());
    for field in fields {
        let (rust, kind) = (&field.rust, kind(plan, field));
        names += &format!("{rust}, ");
        if field.required {
            packed += &format!("arena.push_{kind}(entry.{rust}),\n");
            unpacked += &format!("{rust}: arena.{kind}({rust}),\n");
        } else {
            packed += &format!("entry.{rust}.map_or(Span::ABSENT, |value| arena.push_{kind}(value)),\n");
            unpacked += &format!("{rust}: arena.{kind}_if_set({rust}),\n");
        }
    }
    let count = fields.len();
    format!(
        "fn pack(entry: {name}<'_>, arena: &mut Arena) -> [Span; {count}] {{\n[\n{packed}]\n}}\n\n\
         fn entry([{names}]: [Span; {count}], arena: &Arena) -> {name}<'_> {{\n{name} {{\n{unpacked}}}\n}}\n"
    )
}

fn is_blob(plan: &Plan<'_>, field: &Field<'_>) -> bool {
    kind(plan, field) == "blob"
}

/// `string` or `blob`.
fn kind<'p>(plan: &'p Plan<'_>, field: &Field<'_>) -> &'p str {
    let shape = plan.model.shape(field.shape);
    let kind = shape.kind.as_str();
    assert!(matches!(kind, "string" | "blob") && shape.values.is_empty(), "{} cannot be packed", field.shape);
    kind
}
