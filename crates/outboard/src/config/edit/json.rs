//! Edits of JSON, with comments and trailing commas where the syntax has them. The parser gives places; the text
//! between them is never written anew. It judges no content.

use std::ops::Range;

use jsonc_parser::{
    CollectOptions, CommentCollectionStrategy, ParseOptions, ast,
    ast::{Object, ObjectProp},
    common::Ranged as _,
    parse_to_ast,
    tokens::{Token, TokenAndRange},
};
use serde_json::{Map, Value};

use super::{
    EditProblem, Lines, Repeated, Syntax, line_end, line_number, line_start, nested, newline, repeated_among,
    spliced,
};

struct Parsed<'a> {
    text: &'a str,
    root: Option<ast::Value<'a>>,
    tokens: Vec<TokenAndRange<'a>>,
}

/// Objects within objects in which members are looked for: no setting is deeper.
const DEEP: usize = 4;
/// Objects of one list whose lines are known.
const LISTED: usize = 1_000;

type Splice = (Range<usize>, String);

pub(super) fn read(text: &str, syntax: Syntax) -> Result<Value, EditProblem> {
    Ok(parse(text, syntax)?.root.as_ref().map_or_else(|| Value::Object(Map::new()), value_of))
}

pub(super) fn repeated(text: &str, syntax: Syntax, path: &[&str]) -> Result<Vec<Repeated>, EditProblem> {
    let parsed = parse(text, syntax)?;
    let mut object = parsed.root.as_ref().and_then(ast::Value::as_object);
    for (depth, key) in path.iter().enumerate() {
        let Some(here) = object else { break };
        let member = only(text, here, key, &path[..=depth])?;
        object = member.and_then(|member| member.value.as_object());
    }
    let members = object.into_iter().flat_map(|object| &object.properties);
    Ok(repeated_among(text, members.map(|member| (name(member), member.range.start))))
}

pub(super) fn lines(text: &str, syntax: Syntax) -> Result<Lines, EditProblem> {
    let parsed = parse(text, syntax)?;
    let breaks: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let mut lines = Lines::default();
    let mut open: Vec<(Vec<String>, &ast::Value<'_>)> =
        parsed.root.iter().map(|root| (Vec::new(), root)).collect();
    while let Some((path, value)) = open.pop() {
        // Of a list, its first objects by their places.
        let items = value.as_array().map_or(&[][..], |array| &array.elements).iter().take(LISTED).enumerate();
        for (at, item) in items.filter(|(_, item)| item.as_object().is_some()) {
            let path = [&path[..], &[at.to_string()]].concat();
            let line = breaks.partition_point(|at| *at < item.range().start) + 1;
            lines.0.insert(path.clone(), vec![line]);
            if path.len() < DEEP {
                open.push((path, item));
            }
        }
        for member in value.as_object().map_or(&[][..], |object| &object.properties) {
            let path = [&path[..], &[name(member).to_owned()]].concat();
            let line = breaks.partition_point(|at| *at < member.range.start) + 1;
            let here = lines.0.entry(path.clone()).or_default();
            here.push(line);
            // Of members with one path only the first is looked into, so that theirs are not taken for each other's.
            if here.len() == 1 && path.len() < DEEP {
                open.push((path, &member.value));
            }
        }
    }
    Ok(lines)
}

pub(super) fn set(text: &str, syntax: Syntax, path: &[&str], value: &Value) -> Result<String, EditProblem> {
    let parsed = parse(text, syntax)?;
    let Some(root) = &parsed.root else {
        let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        return Ok(format!("{text}{separator}{}\n", pretty(&nested(path, value), "  ", "", "\n")));
    };
    let mut object = root.as_object().ok_or_else(|| EditProblem::not_an_object(&[]))?;
    for (depth, key) in path.iter().enumerate() {
        let rest = &path[depth + 1..];
        match only(text, object, key, &path[..=depth])? {
            None => return Ok(spliced(text, parsed.insertion(object, key, &nested(rest, value)))),
            Some(member) if rest.is_empty() => {
                let range = member.value.range();
                let new = parsed.rendered(value, parsed.indent(member.range.start), object);
                return Ok(spliced(text, vec![(range.start..range.end, new)]));
            }
            Some(member) => {
                object =
                    member.value.as_object().ok_or_else(|| EditProblem::not_an_object(&path[..=depth]))?;
            }
        }
    }
    Ok(text.to_owned())
}

pub(super) fn insert(
    text: &str,
    syntax: Syntax,
    path: &[&str],
    at: usize,
    value: &Value,
) -> Result<String, EditProblem> {
    let parsed = parse(text, syntax)?;
    let mut here = parsed.root.as_ref();
    for (depth, key) in path.iter().enumerate() {
        let object = here.and_then(ast::Value::as_object);
        let object = object.ok_or_else(|| EditProblem::not_an_object(&path[..depth]))?;
        here = only(text, object, key, &path[..=depth])?.map(|member| &member.value);
    }
    let Some(list) = here.and_then(ast::Value::as_array) else { return Err(EditProblem::Elsewhere) };
    let new = one_line(value);
    let Some(near) = list.elements.get(at).or(list.elements.last()) else {
        // Comments may stand between the brackets.
        let (open, close) = (list.range.start + 1, list.range.end - 1);
        let range = if text[open..close].trim().is_empty() { open..close } else { close..close };
        return Ok(spliced(text, vec![(range, new)]));
    };
    let range = near.range();
    let break_ = match parsed.starts_line(range.start) {
        true => format!("{}{}", newline(text), parsed.indent(range.start)),
        false => " ".to_owned(),
    };
    let splice = match at < list.elements.len() {
        true => (range.start..range.start, format!("{new},{break_}")),
        false => (range.end..range.end, format!(",{break_}{new}")),
    };
    Ok(spliced(text, vec![splice]))
}

/// A value on one line, as people write it.
fn one_line(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(one_line).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                format!("{}: {}", Value::from(key.as_str()), one_line(value))
            };
            format!("{{{}}}", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        plain => plain.to_string(),
    }
}

pub(super) fn unset(text: &str, syntax: Syntax, path: &[&str]) -> Result<String, EditProblem> {
    let parsed = parse(text, syntax)?;
    let mut object = parsed.root.as_ref().and_then(ast::Value::as_object);
    for (depth, key) in path.iter().enumerate() {
        let Some(here) = object else { break };
        let Some(member) = only(text, here, key, &path[..=depth])? else { break };
        if depth + 1 == path.len() {
            return Ok(spliced(text, parsed.removal(here, member)));
        }
        object = member.value.as_object();
    }
    Ok(text.to_owned())
}

fn parse(text: &str, syntax: Syntax) -> Result<Parsed<'_>, EditProblem> {
    let collect = CollectOptions { comments: CommentCollectionStrategy::AsTokens, tokens: true };
    let options = ParseOptions {
        allow_comments: syntax != Syntax::Json,
        allow_trailing_commas: syntax == Syntax::Jsonc,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &collect, &options)
        .map_err(|error| EditProblem::at(text, error.range().start, error.kind().to_string()))?;
    let tokens = parsed.tokens.unwrap_or_default();
    // With comments as tokens the parser lets them pass.
    if let Some(comment) = tokens.iter().find(|token| syntax == Syntax::Json && is_comment(&token.token)) {
        return Err(EditProblem::at(text, comment.range.start, "Comments are not allowed"));
    }
    Ok(Parsed { text, root: parsed.value, tokens })
}

fn is_comment(token: &Token<'_>) -> bool {
    matches!(token, Token::CommentLine(_) | Token::CommentBlock(_))
}

fn value_of(value: &ast::Value<'_>) -> Value {
    match value {
        ast::Value::StringLit(text) => Value::String(text.value.to_string()),
        ast::Value::NumberLit(number) => serde_json::from_str(number.value).unwrap_or(Value::Null),
        ast::Value::BooleanLit(boolean) => Value::Bool(boolean.value),
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::Array(array) => Value::Array(array.elements.iter().map(value_of).collect()),
        ast::Value::Object(object) => Value::Object(
            object
                .properties
                .iter()
                .map(|member| (name(member).to_owned(), value_of(&member.value)))
                .collect(),
        ),
    }
}

fn name<'a>(member: &'a ObjectProp<'_>) -> &'a str {
    member.name.as_str()
}

/// The member of this name, if there is exactly one.
fn only<'o, 'a>(
    text: &str,
    object: &'o Object<'a>,
    key: &str,
    path: &[&str],
) -> Result<Option<&'o ObjectProp<'a>>, EditProblem> {
    let members: Vec<_> = object.properties.iter().filter(|member| name(member) == key).collect();
    if members.len() > 1 {
        let lines = members.iter().map(|member| line_number(text, member.range.start)).collect();
        return Err(EditProblem::Repeated { member: path.join("."), lines });
    }
    Ok(members.first().copied())
}

impl Parsed<'_> {
    /// The white space that starts the line of this byte.
    fn indent(&self, byte: usize) -> &str {
        let line = &self.text[line_start(self.text, byte)..];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// What one level is indented by: as the first member of the whole file is.
    fn unit(&self) -> &str {
        let first =
            self.root.as_ref().and_then(ast::Value::as_object).and_then(|root| root.properties.first());
        let indent = first
            .filter(|first| self.starts_line(first.range.start))
            .map(|first| self.indent(first.range.start));
        indent.filter(|indent| !indent.is_empty()).unwrap_or("  ")
    }

    fn starts_line(&self, byte: usize) -> bool {
        let start = line_start(self.text, byte);
        start > 0 && self.text[start..byte].trim().is_empty()
    }

    /// The next token from this byte on that is no comment.
    fn token(&self, from: usize) -> Option<&TokenAndRange<'_>> {
        self.tokens.iter().find(|token| token.range.start >= from && !is_comment(&token.token))
    }

    fn comma(&self, from: usize) -> Option<Range<usize>> {
        self.token(from)
            .filter(|token| token.token == Token::Comma)
            .map(|token| token.range.start..token.range.end)
    }

    /// The end of the comments that follow in the same line.
    fn past_comments(&self, from: usize) -> usize {
        let mut end = from;
        for token in self.tokens.iter().filter(|token| token.range.start >= from) {
            if !is_comment(&token.token) || self.text[end..token.range.start].contains('\n') {
                break;
            }
            end = token.range.end;
        }
        end
    }

    /// Whether the file is written without line breaks, as programs write it for programs.
    fn is_minified(&self) -> bool {
        !self.text.trim().contains('\n')
            && self
                .root
                .as_ref()
                .and_then(ast::Value::as_object)
                .is_some_and(|root| !root.properties.is_empty())
    }

    fn rendered(&self, value: &Value, indent: &str, within: &Object<'_>) -> String {
        let flat = self.is_minified()
            || (!within.properties.is_empty()
                && !self.text[within.range.start..within.range.end].contains('\n'));
        if flat { value.to_string() } else { pretty(value, self.unit(), indent, newline(self.text)) }
    }

    /// What to insert so that the object ends with this member.
    fn insertion(&self, object: &Object<'_>, key: &str, value: &Value) -> Vec<Splice> {
        let (text, open, close) = (self.text, object.range.start + 1, object.range.end - 1);
        let break_ = newline(text);
        let key = Value::from(key).to_string();
        let outer = self.indent(object.range.start);
        let at = |byte: usize, with: String| (byte..byte, with);
        let Some(last) = object.properties.last() else {
            if self.is_minified() {
                return vec![at(open, format!("{key}:{value}"))];
            }
            let indent = format!("{outer}{}", self.unit());
            let member = format!("{indent}{key}: {}", pretty(value, self.unit(), &indent, break_));
            if text[open..close].trim().is_empty() {
                return vec![(open..close, format!("{break_}{member}{break_}{outer}"))];
            }
            // Only comments stand between the braces.
            return vec![match self.starts_line(close) {
                true => at(line_start(text, close), format!("{member}{break_}")),
                false => at(close, format!("{break_}{member}{break_}{outer}")),
            }];
        };
        let comma = self.comma(last.range.end);
        let mut splices = Vec::new();
        if comma.is_none() {
            splices.push(at(last.range.end, ",".to_owned()));
        }
        let after = comma.as_ref().map_or(last.range.end, |comma| comma.end);
        if !text[open..close].contains('\n') {
            let space = if self.is_minified() && !text.contains(": ") { "" } else { " " };
            splices.push(at(after, format!("{space}{key}:{space}{value}")));
            return splices;
        }
        let indent = match self.starts_line(last.range.start) {
            true => self.indent(last.range.start).to_owned(),
            false => format!("{outer}{}", self.unit()),
        };
        let member = pretty(value, self.unit(), &indent, break_);
        let trailing = if comma.is_some() { "," } else { "" };
        splices.push(at(self.past_comments(after), format!("{break_}{indent}{key}: {member}{trailing}")));
        splices
    }

    /// What to take out so that the member is gone, with its comma, its line and the comment in it.
    fn removal(&self, object: &Object<'_>, member: &ObjectProp<'_>) -> Vec<Splice> {
        let text = self.text;
        let (open, close) = (object.range.start + 1, object.range.end - 1);
        let range = member.range.start..member.range.end;
        let comma = self.comma(range.end);
        let end = self.past_comments(comma.as_ref().map_or(range.end, |comma| comma.end));
        let alone = object.properties.len() == 1;
        if alone && text[open..range.start].trim().is_empty() && text[end..close].trim().is_empty() {
            return vec![(open..close, String::new())];
        }
        let mut splices = Vec::new();
        if comma.is_none()
            && let Some(before) = object.properties.iter().rfind(|other| other.range.end <= range.start)
            && let Some(comma) = self.comma(before.range.end)
        {
            splices.push((comma, String::new()));
        }
        let whole_lines = self.starts_line(range.start)
            && text[end..line_end(text, end)].trim().is_empty()
            && line_end(text, end) <= close;
        splices.push(match whole_lines {
            true => (line_start(text, range.start)..line_end(text, end), String::new()),
            false => {
                let spaces = text[end..].len() - text[end..].trim_start_matches(' ').len();
                (range.start..end + spaces, String::new())
            }
        });
        splices
    }
}

/// The value over several lines, the first without indentation.
fn pretty(value: &Value, unit: &str, indent: &str, break_: &str) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(unit.as_bytes());
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    // Writing a value into memory does not fail, and JSON is UTF-8.
    let written =
        serde::Serialize::serialize(value, &mut serializer).ok().and_then(|()| String::from_utf8(bytes).ok());
    // Line breaks within strings are escaped, so each one here is the formatter's.
    written.unwrap_or_default().replace('\n', &format!("{break_}{indent}"))
}
