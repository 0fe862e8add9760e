//! What to generate for one service: which shapes become which types, and in which file they stand.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Model, Shape};
use super::names;

/// One service and the choices that its model cannot make.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name of the model's file.
    pub service: &'static str,
    pub served: Served,
    /// Members (`Shape.Member`) that the model requires and the service leaves out on occasion.
    pub optional: &'static [&'static str],
    /// Members (`Shape.Member`) that the model leaves open and the service, as far as it is served, requires.
    pub required: &'static [&'static str],
    /// Structures of strings and blobs that requests and answers bring by the hundred: their lists are packed.
    pub packed: &'static [&'static str],
}

/// Which operations of a model are served, and so generated.
#[derive(Debug, Clone, Copy)]
pub enum Served {
    AllBut(&'static [&'static str]),
    Only(&'static [&'static str]),
}

impl Served {
    pub fn has(self, operation: &str) -> bool {
        match self {
            Self::AllBut(names) => !names.contains(&operation),
            Self::Only(names) => names.contains(&operation),
        }
    }

    /// The operations that are spelled out, one way or the other.
    #[cfg(test)]
    pub fn names(self) -> &'static [&'static str] {
        let (Self::AllBut(names) | Self::Only(names)) = self;
        names
    }
}

#[derive(Debug)]
pub struct Plan<'m> {
    pub model: &'m Model,
    pub target: &'m Target,
    /// The trait's name, such as `Kinesis`.
    pub trait_name: String,
    pub operations: Vec<Operation<'m>>,
    pub structures: Vec<Structure<'m>>,
    /// Shape names of the enumerations.
    pub enums: Vec<&'m str>,
    /// Shape names of the errors.
    pub errors: Vec<&'m str>,
    /// Event streams with more than one kind of event, by shape name.
    pub event_unions: Vec<&'m str>,
    /// Shapes that inputs reach.
    pub validated: BTreeSet<&'m str>,
}

#[derive(Debug)]
pub struct Operation<'m> {
    pub name: &'m str,
    pub method: &'m str,
    pub uri: &'m str,
    pub has_output: bool,
    /// The event stream shape of the answer.
    pub stream: Option<&'m str>,
}

#[derive(Debug)]
pub struct Structure<'m> {
    pub type_name: String,
    pub validated: bool,
    /// The file in which it stands.
    pub group: String,
    pub fields: Vec<Field<'m>>,
    /// The list's name, if lists of it are packed.
    pub packed: Option<String>,
}

#[derive(Debug)]
pub struct Field<'m> {
    pub rust: String,
    pub wire: &'m str,
    /// Its name in paths of violations.
    pub path: String,
    pub shape: &'m str,
    pub required: bool,
    pub boxed: bool,
}

impl<'m> Plan<'m> {
    pub fn new(model: &'m Model, target: &'m Target) -> Self {
        let trait_name = names::type_name(&model.metadata.service_id);
        let mut plan = Self {
            model,
            target,
            trait_name,
            operations: Vec::new(),
            structures: Vec::new(),
            enums: Vec::new(),
            errors: Vec::new(),
            event_unions: Vec::new(),
            validated: BTreeSet::new(),
        };
        let mut users: BTreeMap<&'m str, BTreeSet<&'m str>> = BTreeMap::new();
        for (name, operation) in model.operations.iter() {
            if !target.served.has(name) {
                continue;
            }
            plan.add_operation(name, operation, &mut users);
        }
        plan.add_errors(&mut users);
        plan.add_shapes(&users);
        plan
    }

    /// Adds the operation with its input and output, and notes which shapes it uses.
    fn add_operation(
        &mut self,
        name: &'m str,
        operation: &'m super::model::Operation,
        users: &mut BTreeMap<&'m str, BTreeSet<&'m str>>,
    ) {
        let model = self.model;
        let input = operation.input.as_ref().map(|m| m.shape.as_str());
        let output = operation.output.as_ref().map(|m| m.shape.as_str());
        let mut reached = BTreeSet::new();
        for member in input.iter().flat_map(|s| model.shape(s).members.iter()) {
            reach(model, &member.1.shape, &mut reached);
        }
        self.validated.extend(&reached);
        self.structures.push(self.structure(format!("{name}Input"), input, true, names::snake(name)));
        let mut stream = None;
        for (_, member) in output.iter().flat_map(|s| model.shape(s).members.iter()) {
            if model.shape(&member.shape).eventstream {
                stream = Some(member.shape.as_str());
            }
            reach(model, &member.shape, &mut reached);
        }
        if stream.is_none() {
            self.structures.push(self.structure(format!("{name}Output"), output, false, names::snake(name)));
        }
        for shape in reached {
            users.entry(shape).or_default().insert(name);
        }
        let http = &operation.http;
        let has_output = output.is_some();
        self.operations.push(Operation { name, method: &http.method, uri: &http.request_uri, has_output, stream });
    }

    fn add_errors(&mut self, users: &mut BTreeMap<&'m str, BTreeSet<&'m str>>) {
        for (name, shape) in self.model.shapes.iter() {
            if !shape.exception || self.is_foreign_error(name) {
                continue;
            }
            self.errors.push(name);
            let mut reached = BTreeSet::new();
            for (_, member) in shape.members.iter() {
                reach(self.model, &member.shape, &mut reached);
            }
            for shape in reached {
                users.entry(shape).or_default().extend(["", name]);
            }
        }
    }

    /// Whether only operations that are not served name the error. What no operation names may come from any; and a
    /// service that is served as a whole keeps all its errors.
    fn is_foreign_error(&self, error: &str) -> bool {
        let Served::Only(_) = self.target.served else { return false };
        let named = |served: bool| {
            let operations = self.model.operations.iter().filter(|(name, _)| self.target.served.has(name) == served);
            operations.flat_map(|(_, operation)| &operation.errors).any(|named| named.shape == error)
        };
        named(false) && !named(true)
    }

    /// Adds every shape in use: beside its operation when only one uses it, with the shared ones otherwise.
    fn add_shapes(&mut self, users: &BTreeMap<&'m str, BTreeSet<&'m str>>) {
        for (name, shape) in self.model.shapes.iter() {
            let Some(users) = users.get(name) else { continue };
            if shape.eventstream {
                if self.events(name).len() > 1 {
                    self.event_unions.push(name);
                }
            } else if shape.kind == "structure" && !shape.exception {
                let group = match users.len() {
                    1 => names::snake(users.first().expect("a set of one")),
                    _ => format!("shared_{}", &names::snake(name)[..1]),
                };
                let validated = self.validated.contains(name);
                self.structures.push(self.structure(self.type_name(name), Some(name), validated, group));
            } else if is_enum(shape) {
                self.enums.push(name);
            }
        }
    }

    fn structure(&self, type_name: String, shape: Option<&'m str>, validated: bool, group: String) -> Structure<'m> {
        let fields = shape.map(|name| self.fields(name)).unwrap_or_default();
        let lists = self.model.shapes.iter().filter(|(_, list)| list.kind == "list" && Some(element(list)) == shape);
        let packed = lists.map(|(name, _)| name).find(|list| self.is_packed(list)).map(names::type_name);
        Structure { type_name, validated, group, fields, packed }
    }

    /// Whether the elements of a list are packed.
    pub fn is_packed(&self, list: &str) -> bool {
        self.target.packed.contains(&element(self.model.shape(list)))
    }

    pub fn fields(&self, name: &'m str) -> Vec<Field<'m>> {
        let shape = self.model.shape(name);
        let mut fields = Vec::new();
        for (member, binding) in shape.members.iter() {
            let target = self.model.shape(&binding.shape);
            if target.eventstream {
                continue;
            }
            let mut rust = names::member(member);
            if fields.iter().any(|f: &Field<'_>| f.rust == rust) {
                rust.push_str("_value");
            }
            let dotted = format!("{name}.{member}");
            fields.push(Field {
                rust,
                wire: binding.location_name.as_deref().unwrap_or(member),
                path: names::lower_first(member),
                shape: &binding.shape,
                required: match dotted.as_str() {
                    dotted if self.target.required.contains(&dotted) => true,
                    dotted if self.target.optional.contains(&dotted) => false,
                    _ => shape.required.iter().any(|r| r == member),
                },
                boxed: target.kind == "structure" && self.contains(&binding.shape, name, &mut BTreeSet::new()),
            });
        }
        fields
    }

    /// Whether a value of structure `outer` holds one of structure `inner` without a list or map between.
    fn contains<'a>(&'a self, outer: &'a str, inner: &str, seen: &mut BTreeSet<&'a str>) -> bool {
        if outer == inner {
            return true;
        }
        let shape = self.model.shape(outer);
        shape.kind == "structure"
            && seen.insert(outer)
            && shape.members.iter().any(|(_, m)| self.contains(&m.shape, inner, seen))
    }

    /// The Rust name of a structure or enumeration; steps aside where an input or output has the name already.
    pub fn type_name(&self, shape: &str) -> String {
        let name = names::type_name(shape);
        let clashes = self.operations.iter().any(|operation| {
            let rest = name.strip_prefix(operation.name).unwrap_or("");
            rest == "Input" || (rest == "Output" && operation.stream.is_none())
        });
        if clashes || name == self.trait_name { format!("{name}Shape") } else { name }
    }

    /// The Rust type of a shape's values.
    pub fn value_type(&self, name: &str) -> String {
        let shape = self.model.shape(name);
        match shape.kind.as_str() {
            "structure" => self.type_name(name),
            "string" if is_enum(shape) => self.type_name(name),
            "string" | "character" => "ByteString".to_owned(),
            "blob" => "Bytes".to_owned(),
            "boolean" => "bool".to_owned(),
            "integer" => "i32".to_owned(),
            "long" => "i64".to_owned(),
            "double" | "float" => "f64".to_owned(),
            "timestamp" => "Timestamp".to_owned(),
            "list" if self.is_packed(name) => names::type_name(name),
            "list" => format!("Vec<{}>", self.value_type(element(shape))),
            "map" => format!("BTreeMap<ByteString, {}>", self.value_type(map_value(shape))),
            other => panic!("the shape {name} has the unknown type {other}"),
        }
    }

    pub fn field_type(&self, field: &Field<'_>) -> String {
        let value = self.value_type(field.shape);
        let value = if field.boxed { format!("Box<{value}>") } else { value };
        if field.required { value } else { format!("Option<{value}>") }
    }

    /// The kinds of event of an event stream, errors excluded: member and shape.
    pub fn events(&self, stream: &str) -> Vec<(&'m str, &'m str)> {
        let members = self.model.shape(stream).members.iter();
        members
            .filter(|(_, m)| !self.model.shape(&m.shape).exception)
            .map(|(name, m)| (name, m.shape.as_str()))
            .collect()
    }

    /// The Rust type of an event stream's events.
    pub fn event_type(&self, stream: &str) -> String {
        match self.events(stream).as_slice() {
            [(_, shape)] => self.type_name(shape),
            _ => self.type_name(stream),
        }
    }

    /// Whether any value of the shape can break a constraint.
    pub fn constrained(&self, name: &'m str) -> bool {
        let mut reached = BTreeSet::new();
        reach(self.model, name, &mut reached);
        reached.iter().any(|name| {
            let shape = self.model.shape(name);
            is_enum(shape) || shape.min.is_some() || shape.max.is_some() || shape.pattern.is_some()
        })
    }
}

pub fn is_enum(shape: &Shape) -> bool {
    shape.kind == "string" && !shape.values.is_empty()
}

/// The element's shape of a list.
pub fn element(list: &Shape) -> &str {
    &list.member.as_ref().expect("a list has a member").shape
}

/// The key's shape of a map.
pub fn map_key(map: &Shape) -> &str {
    &map.key.as_ref().expect("a map has a key").shape
}

/// The value's shape of a map.
pub fn map_value(map: &Shape) -> &str {
    &map.value.as_ref().expect("a map has a value").shape
}

/// Adds `name` and everything that its values hold.
fn reach<'m>(model: &'m Model, name: &'m str, reached: &mut BTreeSet<&'m str>) {
    if !reached.insert(name) {
        return;
    }
    let shape = model.shape(name);
    let members = shape.members.iter().map(|(_, m)| m);
    for member in members.chain(&shape.member).chain(&shape.key).chain(&shape.value) {
        reach(model, &member.shape, reached);
    }
}
