//! One type of the tree as Python, and the definitions that it needs. Records have names by now (see `lift`).
//! Talks to `text` for every piece of upstream text; it gives no names.

use serde_json::Value;

use super::text::{comment, in_three_quotes, is_plain, literal};
use crate::model::{Definition, Kind, Literal, Object, Others, Property, Tuple, Type};
use crate::remark::Remarks;

/// Names that a local type would hide. Sorted.
pub(super) const TAKEN: &[&str] = &[
    "Any",
    "BaseException",
    "Decimal",
    "Ellipsis",
    "Exception",
    "False",
    "KeyError",
    "Literal",
    "Never",
    "None",
    "NotImplemented",
    "NotRequired",
    "Required",
    "ToolError",
    "True",
    "TypeAlias",
    "TypeError",
    "TypedDict",
    "ValueError",
];

/// Most literals of one union in a signature.
const MOST_LITERALS: usize = 40;

pub(super) const REMARKS: Remarks = Remarks { escape: comment, integers: false, deprecated: "deprecated" };

/// Writes the types of one document under the names given to its definitions.
#[derive(Clone, Copy)]
pub(super) struct Writer<'d> {
    pub(super) names: &'d [String],
    /// Whether enums are written whole and with every comment.
    pub(super) documented: bool,
}

impl Writer<'_> {
    pub(super) fn write(&self, ty: &Type) -> String {
        match &ty.kind {
            Kind::Any => "Any".to_owned(),
            Kind::Never => "Never".to_owned(),
            Kind::Null => "None".to_owned(),
            Kind::Boolean => "bool".to_owned(),
            Kind::Integer => "int".to_owned(),
            Kind::Number => "float".to_owned(),
            Kind::String => "str".to_owned(),
            Kind::Literal(_) => self.union(std::slice::from_ref(ty)),
            Kind::Array(item) => format!("list[{}]", self.write(item)),
            Kind::Tuple(tuple) => self.tuple(tuple),
            Kind::Object(object) => self.map(object),
            Kind::Union(members) => self.union(members),
            Kind::Intersection(members) => self.intersection(members),
            Kind::Reference(id) => self.names[id.0].clone(),
        }
    }

    /// The default of a parameter where descriptions are shown.
    pub(super) fn default(&self, ty: &Type) -> Option<String> {
        default_of(ty).filter(|_| self.documented)
    }

    /// The statement that defines `name`.
    pub(super) fn declare(&self, name: &str, definition: &Definition) -> String {
        let said = REMARKS.of(&definition.body).filter(|_| self.documented);
        match &definition.body.kind {
            Kind::Object(object) if !object.properties.is_empty() => {
                let plain = object.properties.iter().all(|property| is_plain(&property.name));
                if plain {
                    self.class(name, object, said.as_deref())
                } else {
                    self.by_call(name, object, said.as_deref())
                }
            }
            _ => {
                let comment = said.map(|said| format!("# {said}\n")).unwrap_or_default();
                format!("{comment}type {name} = {}", self.write(&definition.body))
            }
        }
    }

    /// Without documentation all in one line.
    fn class(&self, name: &str, object: &Object, said: Option<&str>) -> String {
        let total = is_total(object);
        let head = format!("class {name}(TypedDict{}):", if total { "" } else { ", total=False" });
        let fields = object.properties.iter();
        if !self.documented {
            let fields: Vec<String> =
                fields.map(|field| format!("{}: {}", field.name, self.field(field, total))).collect();
            return format!("{head} {}{}", fields.join("; "), others(object));
        }
        let mut lines = vec![head];
        lines.extend(said.map(|said| format!("    {}", in_three_quotes(said))));
        lines.extend(fields.map(|field| {
            let line = format!("    {}: {}", field.name, self.field(field, total));
            with_remark(&line, REMARKS.of(&field.ty).as_deref())
        }));
        lines.join("\n") + others(object)
    }

    /// For keys that a class cannot have.
    fn by_call(&self, name: &str, object: &Object, said: Option<&str>) -> String {
        let total = is_total(object);
        let end = if total { "})" } else { "}, total=False)" };
        let fields = object.properties.iter();
        let field = |field: &Property| format!("{}: {}", literal(&field.name), self.field(field, total));
        if !self.documented {
            let fields: Vec<String> = fields.map(field).collect();
            return format!("{name} = TypedDict(\"{name}\", {{{}{end}{}", fields.join(", "), others(object));
        }
        let mut lines: Vec<String> = said.map(|said| format!("# {said}")).into_iter().collect();
        lines.push(format!("{name} = TypedDict(\"{name}\", {{"));
        lines.extend(fields.map(|property| {
            with_remark(&format!("    {},", field(property)), REMARKS.of(&property.ty).as_deref())
        }));
        lines.push(end.to_owned());
        lines.join("\n") + others(object)
    }

    fn field(&self, property: &Property, total: bool) -> String {
        let ty = self.write(&property.ty);
        match (property.required, total) {
            (true, true) | (false, false) => ty,
            (false, true) => format!("NotRequired[{ty}]"),
            (true, false) => format!("Required[{ty}]"),
        }
    }

    /// Records are lifted by now: an object here has no named properties.
    fn map(&self, object: &Object) -> String {
        match &object.others {
            Others::Closed => "dict[str, Never]".to_owned(),
            Others::Open(ty) => format!("dict[str, {}]", self.write(ty)),
            Others::Unspecified => "dict[str, Any]".to_owned(),
        }
    }

    /// A list that may be shorter or longer than its places has no tuple's type.
    fn tuple(&self, tuple: &Tuple) -> String {
        let written: Vec<String> = tuple.items.iter().map(|item| self.write(item)).collect();
        if tuple.required == tuple.items.len() && tuple.rest.is_none() && !written.is_empty() {
            return format!("tuple[{}]", written.join(", "));
        }
        let rest = tuple.rest.iter().map(|rest| self.write(rest));
        let mut alternatives: Vec<String> = Vec::new();
        for alternative in written.into_iter().chain(rest) {
            if !alternatives.contains(&alternative) {
                alternatives.push(alternative);
            }
        }
        let item = if alternatives.is_empty() { "Any".to_owned() } else { alternatives.join(" | ") };
        format!("list[{item}]")
    }

    /// Alternatives, each written once, all literals together.
    fn union(&self, members: &[Type]) -> String {
        let literals: Vec<&Literal> = members
            .iter()
            .filter_map(|member| match &member.kind {
                Kind::Literal(value) => Some(value),
                _ => None,
            })
            .collect();
        let mut alternatives: Vec<String> = Vec::new();
        for member in members {
            let new = match &member.kind {
                Kind::Literal(_) => Vec::from_iter(self.literals(&literals)),
                _ => vec![self.write(member)],
            };
            // The first literal stands for all of them.
            for alternative in new {
                if !alternatives.contains(&alternative) {
                    alternatives.push(alternative);
                }
            }
        }
        if alternatives.iter().any(|alternative| alternative == "float") {
            alternatives.retain(|alternative| alternative != "int");
        }
        alternatives.join(" | ")
    }

    /// `Literal["a", 1]`, and what stands for those that are left out or cannot stand in it.
    fn literals(&self, literals: &[&Literal]) -> Vec<String> {
        let most = if self.documented || literals.len() <= MOST_LITERALS + 5 {
            literals.len()
        } else {
            MOST_LITERALS
        };
        let mut written = Vec::new();
        let mut others: Vec<String> = Vec::new();
        for (at, value) in literals.iter().enumerate() {
            let (text, base) = match value {
                Literal::String(text) => (Some(literal(text)), "str"),
                Literal::Number(number) => {
                    let whole = number.trim_start_matches('-').chars().all(|c| c.is_ascii_digit());
                    (whole.then(|| number.clone()), if whole { "int" } else { "float" })
                }
                Literal::Boolean(truth) => (Some(if *truth { "True" } else { "False" }.to_owned()), "bool"),
            };
            match text.filter(|_| at < most) {
                Some(text) => written.push(text),
                None if others.iter().all(|other| other != base) => others.push(base.to_owned()),
                None => {}
            }
        }
        let written = (!written.is_empty()).then(|| format!("Literal[{}]", written.join(", ")));
        written.into_iter().chain(others).collect()
    }

    /// Python has none. A value of all of them is one of the first that says something.
    fn intersection(&self, members: &[Type]) -> String {
        let says = |member: &&Type| matches!(member.kind, Kind::Reference(_) | Kind::Union(_));
        members
            .iter()
            .find(says)
            .or(members.first())
            .map_or_else(|| "Any".to_owned(), |member| self.write(member))
    }
}

/// The default of a type as Python, if it is a short plain value of that type.
pub(super) fn default_of(ty: &Type) -> Option<String> {
    let value: Value = ty.notes.default.as_deref().and_then(|default| serde_json::from_str(default).ok())?;
    let members = match &ty.kind {
        Kind::Union(members) => members.as_slice(),
        _ => std::slice::from_ref(ty),
    };
    let fits = |member: &Type| match (&member.kind, &value) {
        (Kind::Boolean, Value::Bool(_))
        | (Kind::String, Value::String(_))
        | (Kind::Number, Value::Number(_)) => true,
        (Kind::Integer, Value::Number(number)) => !number.is_f64(),
        (Kind::Literal(Literal::String(one)), Value::String(text)) => one == text,
        (Kind::Literal(Literal::Boolean(one)), Value::Bool(truth)) => one == truth,
        (Kind::Literal(Literal::Number(one)), Value::Number(number)) => {
            !number.is_f64() && *one == number.to_string()
        }
        _ => false,
    };
    if !members.iter().any(fits) {
        return None;
    }
    match value {
        Value::Bool(truth) => Some(if truth { "True" } else { "False" }.to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(literal(&text)),
        _ => None,
    }
}

/// Whether more keys must be there than need not.
fn is_total(object: &Object) -> bool {
    let required = object.properties.iter().filter(|property| property.required).count();
    required * 2 >= object.properties.len()
}

fn others(object: &Object) -> &'static str {
    if matches!(object.others, Others::Open(_)) { " # and other keys" } else { "" }
}

fn with_remark(line: &str, said: Option<&str>) -> String {
    said.map_or_else(|| line.to_owned(), |said| format!("{line} # {said}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_that_are_taken_are_sorted() {
        assert!(super::TAKEN.is_sorted());
    }
}
