//! One type of the tree as TypeScript: in one line, or over several with its documentation.
//! Talks to `text` for every piece of upstream text; it gives no names (see `scope`).

use std::cmp::Ordering;
use std::fmt::Write as _;

use crate::model::{Definition, Kind, Literal, Object, Others, Property, Tuple, Type};
use crate::remark::Remarks;
use crate::text::{comment, literal};

/// Names that a local type would hide.
pub(super) const TAKEN: &[&str] = &[
    "Any",
    "Array",
    "ArrayBuffer",
    "BigInt",
    "Boolean",
    "Date",
    "Error",
    "Exclude",
    "Extract",
    "Function",
    "Infinity",
    "Intl",
    "Iterable",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "NonNullable",
    "Number",
    "Object",
    "Omit",
    "Parameters",
    "Partial",
    "Pick",
    "Promise",
    "PromiseLike",
    "Proxy",
    "Readonly",
    "ReadonlyArray",
    "Record",
    "Reflect",
    "RegExp",
    "Required",
    "ReturnType",
    "Set",
    "String",
    "Symbol",
    "ToolError",
    "URL",
    "Uint8Array",
    "WeakMap",
    "WeakSet",
];

/// Most literals of one union in a signature.
const MOST_LITERALS: usize = 40;

/// Longest type, in characters, of properties that are not named, beside some that are.
const LONGEST_BESIDE: usize = 60;

/// A type without documentation up to this many characters stays in one line.
const ONE_LINE: usize = 100;

/// Writes the types of one document under the names given to its definitions.
#[derive(Clone, Copy)]
pub(super) struct Writer<'d> {
    pub(super) names: &'d [String],
    /// Objects nested deeper than this are written as `any`.
    pub(super) deepest: usize,
    /// Whether enums are written whole and with every comment.
    pub(super) documented: bool,
}

impl Writer<'_> {
    /// The type as a declaration wants it, continued at `indent` if it needs several lines.
    pub(super) fn write(&self, ty: &Type, indent: usize) -> String {
        if self.documented { self.over_lines(ty, indent) } else { self.in_line(ty, 0) }
    }

    /// `type name = …`, in a full declaration under what is said about it.
    pub(super) fn declare(&self, name: &str, definition: &Definition, indent: usize) -> String {
        let said = remark(&definition.body).filter(|_| self.documented);
        let comment = said.map(|said| format!("/** {said} */\n{}", "  ".repeat(indent))).unwrap_or_default();
        format!("{comment}type {name} = {}", self.write(&definition.body, indent))
    }

    fn in_line(&self, ty: &Type, depth: usize) -> String {
        match &ty.kind {
            Kind::Array(item) => self.array(&self.in_line(item, depth), &item.kind),
            Kind::Tuple(tuple) => self.tuple(tuple, depth),
            Kind::Object(object) if depth >= self.deepest && !object.properties.is_empty() => shallow(object),
            Kind::Object(object) => self.object_in_line(object, depth),
            Kind::Union(members) => self.union(members, |member| self.in_line(member, depth)),
            Kind::Intersection(members) => {
                let members = members.iter().map(|member| match member.kind {
                    Kind::Union(_) => format!("({})", self.in_line(member, depth)),
                    _ => self.in_line(member, depth),
                });
                members.collect::<Vec<_>>().join(" & ")
            }
            plain => self.plain(plain),
        }
    }

    /// Kinds without parts.
    fn plain(&self, kind: &Kind) -> String {
        match kind {
            Kind::Never => "never".to_owned(),
            Kind::Null => "null".to_owned(),
            Kind::Boolean => "boolean".to_owned(),
            Kind::Integer | Kind::Number => "number".to_owned(),
            Kind::String => "string".to_owned(),
            Kind::Literal(Literal::String(text)) => literal(text),
            Kind::Literal(Literal::Number(number)) => number.clone(),
            Kind::Literal(Literal::Boolean(truth)) => truth.to_string(),
            Kind::Reference(id) => self.names[id.0].clone(),
            _ => "any".to_owned(),
        }
    }

    fn array(&self, item: &str, kind: &Kind) -> String {
        let needs_brackets = matches!(kind, Kind::Union(_) | Kind::Intersection(_)) || item.ends_with("*/");
        if needs_brackets { format!("({item})[]") } else { format!("{item}[]") }
    }

    fn tuple(&self, tuple: &Tuple, depth: usize) -> String {
        let mut places: Vec<String> = Vec::new();
        for (at, item) in tuple.items.iter().enumerate() {
            let mut place = self.in_line(item, depth);
            if at >= tuple.required {
                let bare =
                    !matches!(item.kind, Kind::Union(_) | Kind::Intersection(_)) && !place.ends_with("*/");
                place = if bare { format!("{place}?") } else { format!("({place})?") };
            }
            places.push(place);
        }
        if let Some(rest) = &tuple.rest {
            places.push(format!("...{}", self.array(&self.in_line(rest, depth), &rest.kind)));
        }
        format!("[{}]", places.join(", "))
    }

    fn object_in_line(&self, object: &Object, depth: usize) -> String {
        if object.properties.is_empty() {
            return self.map(object, |ty| self.in_line(ty, depth + 1));
        }
        let mut text = "{ ".to_owned();
        for property in &object.properties {
            let ty = self.in_line(&property.ty, depth + 1);
            write!(text, "{}: {ty}; ", key(property)).expect("writing to a string succeeds");
        }
        if let Others::Open(others) = &object.others {
            write!(text, "[key: string]: {}; ", self.beside(others, object, depth + 1))
                .expect("writing to a string succeeds");
        }
        text.truncate(text.len() - 2);
        text.push_str(" }");
        text
    }

    /// The type of properties beside the named ones. TypeScript wants it to hold for these too; where it would be long, it
    /// is any value.
    fn beside(&self, others: &Type, object: &Object, depth: usize) -> String {
        let mut alternatives: Vec<String> = Vec::new();
        let named = object.properties.iter().map(|property| &property.ty);
        for ty in std::iter::once(others).chain(named).take(LONGEST_BESIDE) {
            let members = match &ty.kind {
                Kind::Union(members) => members.as_slice(),
                _ => std::slice::from_ref(ty),
            };
            for member in members {
                // What is large is not even written.
                let written = match member.kind {
                    Kind::Object(_) | Kind::Intersection(_) | Kind::Tuple(_) | Kind::Any => {
                        return "any".to_owned();
                    }
                    _ => self.in_line(member, depth),
                };
                if !alternatives.contains(&written) {
                    alternatives.push(written);
                }
            }
        }
        if object.properties.iter().any(|property| !property.required) {
            alternatives.push("undefined".to_owned());
        }
        let text = alternatives.join(" | ");
        let fits = text.len() <= LONGEST_BESIDE && object.properties.len() < LONGEST_BESIDE;
        if fits { text } else { "any".to_owned() }
    }

    /// An object without named properties. A map to a named type is spelled out, because TypeScript does not let
    /// a type refer to itself through `Record`.
    fn map(&self, object: &Object, write: impl Fn(&Type) -> String) -> String {
        match &object.others {
            Others::Unspecified => "Record<string, any>".to_owned(),
            Others::Closed => "Record<string, never>".to_owned(),
            Others::Open(ty) => {
                let value = write(ty);
                if mentions_a_name(ty) {
                    format!("{{ [key: string]: {value} }}")
                } else {
                    format!("Record<string, {value}>")
                }
            }
        }
    }

    /// Alternatives, each written once: `integer` and `number` are one type here.
    fn union(&self, members: &[Type], write: impl Fn(&Type) -> String) -> String {
        let is_literal = |member: &&Type| matches!(member.kind, Kind::Literal(_));
        let literals = members.iter().filter(is_literal).count();
        let most = if self.documented || literals <= MOST_LITERALS + 5 { literals } else { MOST_LITERALS };
        let mut alternatives: Vec<String> = Vec::new();
        let mut written = 0;
        for member in members {
            let alternative = match &member.kind {
                Kind::Literal(value) => {
                    written += 1;
                    match written.cmp(&(most + 1)) {
                        Ordering::Less => write(member),
                        Ordering::Equal => format!("{} /* {} more */", base(value), literals - most),
                        Ordering::Greater => continue,
                    }
                }
                _ => write(member),
            };
            // A long union has no repeated literals (the model saw to that); only the few others are compared.
            let repeated = !matches!(member.kind, Kind::Literal(_)) && alternatives.contains(&alternative);
            if !repeated {
                alternatives.push(alternative);
            }
        }
        alternatives.join(" | ")
    }

    fn over_lines(&self, ty: &Type, indent: usize) -> String {
        let line = self.in_line(ty, 0);
        if !is_documented(ty) && line.len() <= ONE_LINE {
            return line;
        }
        match &ty.kind {
            Kind::Array(item) => {
                let text = self.over_lines(item, indent);
                self.array(&text, &item.kind)
            }
            Kind::Object(object) if object.properties.is_empty() => {
                self.map(object, |ty| self.over_lines(ty, indent))
            }
            Kind::Object(object) => self.object_over_lines(object, indent),
            Kind::Union(members) => self.union(members, |member| match described(member) {
                Some(said) if !matches!(member.kind, Kind::Reference(_)) => {
                    format!("/** {said} */ {}", self.over_lines(member, indent))
                }
                _ => self.over_lines(member, indent),
            }),
            Kind::Intersection(members) => {
                let members = members.iter().map(|member| match member.kind {
                    Kind::Union(_) => format!("({})", self.over_lines(member, indent)),
                    _ => self.over_lines(member, indent),
                });
                members.collect::<Vec<_>>().join(" & ")
            }
            _ => line,
        }
    }

    fn object_over_lines(&self, object: &Object, indent: usize) -> String {
        let margin = "  ".repeat(indent + 1);
        let mut text = "{\n".to_owned();
        for property in &object.properties {
            let ty = self.over_lines(&property.ty, indent + 1);
            text.push_str(&format!("{margin}{}{}: {ty};\n", before(&property.ty), key(property)));
        }
        if let Others::Open(ty) = &object.others {
            text.push_str(&format!("{margin}{}[key: string]: {};\n", before(ty), self.beside(ty, object, 0)));
        }
        text.push_str(&"  ".repeat(indent));
        text.push('}');
        text
    }
}

/// What is said about a type, before the name that has it: on the same line, which costs the least.
fn before(ty: &Type) -> String {
    remark(ty).map(|said| format!("/** {said} */ ")).unwrap_or_default()
}

fn key(property: &Property) -> String {
    let name = if is_plain(&property.name) { property.name.clone() } else { literal(&property.name) };
    if property.required { name } else { format!("{name}?") }
}

/// Whether a property name needs no quotes. Beyond ASCII it is quoted: tables of letters differ between readers.
fn is_plain(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
}

/// A record too deep to be written: only what tells it from its siblings.
fn shallow(object: &Object) -> String {
    let tells = |property: &&Property| property.required && matches!(property.ty.kind, Kind::Literal(_));
    let count = object.properties.len();
    match object.properties.iter().find(tells) {
        Some(Property { name, ty: Type { kind: Kind::Literal(Literal::String(value)), .. }, .. })
            if is_plain(name) =>
        {
            format!("{{ {name}: {}; [key: string]: any }} /* {count} properties */", literal(value))
        }
        _ => format!("any /* {count} properties */"),
    }
}

fn base(value: &Literal) -> &'static str {
    match value {
        Literal::String(_) => "string",
        Literal::Number(_) => "number",
        Literal::Boolean(_) => "boolean",
    }
}

fn mentions_a_name(ty: &Type) -> bool {
    match &ty.kind {
        Kind::Reference(_) => true,
        Kind::Array(item) => mentions_a_name(item),
        Kind::Tuple(tuple) => tuple.items.iter().chain(tuple.rest.as_deref()).any(mentions_a_name),
        Kind::Object(object) => {
            object.properties.iter().any(|property| mentions_a_name(&property.ty))
                || matches!(&object.others, Others::Open(ty) if mentions_a_name(ty))
        }
        Kind::Union(members) | Kind::Intersection(members) => members.iter().any(mentions_a_name),
        _ => false,
    }
}

/// Whether something inside a type has a comment that needs a line of its own.
fn is_documented(ty: &Type) -> bool {
    match &ty.kind {
        Kind::Array(item) => is_documented(item),
        Kind::Object(object) => {
            let others =
                matches!(&object.others, Others::Open(ty) if remark(ty).is_some() || is_documented(ty));
            others
                || object
                    .properties
                    .iter()
                    .any(|property| remark(&property.ty).is_some() || is_documented(&property.ty))
        }
        Kind::Union(members) | Kind::Intersection(members) => {
            members.iter().any(|member| described(member).is_some() || is_documented(member))
        }
        _ => false,
    }
}

/// All that is said about a type, in one line: of a list also what is said about its items.
pub(super) fn remark(ty: &Type) -> Option<String> {
    REMARKS.of(ty)
}

/// What is said about one of several alternatives.
fn described(ty: &Type) -> Option<String> {
    REMARKS.of_alternative(ty)
}

/// Whole numbers have no type of their own here.
const REMARKS: Remarks = Remarks { escape: comment, integers: true, deprecated: "@deprecated" };

#[cfg(test)]
mod tests {
    #[test]
    fn names_that_are_taken_are_sorted() {
        assert!(super::TAKEN.is_sorted());
    }
}
