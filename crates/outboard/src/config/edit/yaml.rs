//! Edits of YAML, one document of mappings in block or flow style. The parser gives places; lines are put in and
//! taken out between them. Tags and merge keys are read as nothing special.

use std::{collections::HashMap, ops::Range};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};
use serde_json::{Map, Value};

use super::{EditProblem, Repeated, line_end, line_number, line_start, newline, repeated_among, spliced};

/// Nodes that aliases may multiply a file to, and how deep it may go: more is no configuration.
const NODES: usize = 100_000;
const DEPTH: usize = 64;

#[derive(Clone)]
struct Node {
    range: Range<usize>,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Scalar(Value),
    Sequence(Vec<Node>),
    Mapping(Vec<(Node, Node)>),
}

pub(super) fn read(text: &str) -> Result<Value, EditProblem> {
    Ok(document(text)?.map_or_else(|| Value::Object(Map::new()), |root| root.value()))
}

pub(super) fn repeated(text: &str, path: &[&str]) -> Result<Vec<Repeated>, EditProblem> {
    let Some(mut node) = document(text)? else { return Ok(Vec::new()) };
    for (depth, key) in path.iter().enumerate() {
        match node.only(text, key, &path[..=depth])? {
            Some((_, _, value)) => node = value.clone(),
            None => return Ok(Vec::new()),
        }
    }
    let Kind::Mapping(members) = &node.kind else { return Ok(Vec::new()) };
    let names: Vec<(String, usize)> =
        members.iter().map(|(name, _)| (name.name(), name.range.start)).collect();
    Ok(repeated_among(text, names.iter().map(|(name, at)| (name.as_str(), *at))))
}

pub(super) fn set(text: &str, path: &[&str], value: &Value) -> Result<String, EditProblem> {
    let text = unset(text, path)?;
    let break_ = newline(&text);
    let Some(mut node) = document(&text)? else { return Ok(appended(&text, path, value, Style::DEFAULT)) };
    let style = Style::of(&text, &node);
    let mut holder: Option<Node> = None;
    for (depth, key) in path.iter().enumerate() {
        let Kind::Mapping(members) = &node.kind else {
            // `key:` without a value, or with an explicit null: the mapping starts in the next line.
            let (Some(holder), Kind::Scalar(Value::Null)) = (&holder, &node.kind) else {
                return Err(EditProblem::not_an_object(&path[..depth]));
            };
            return Ok(started(&text, holder, &node, &path[depth..], value, style));
        };
        let found = members.iter().find(|(name, _)| name.is(key)).cloned();
        match found {
            Some((name, value)) => {
                holder = Some(name);
                node = value;
            }
            None if depth == 0 && !node.is_flow(&text) => {
                return Ok(appended(&text, path, value, style));
            }
            None if node.is_flow(&text) && members.is_empty() && holder.is_some() => {
                let Some(holder) = &holder else { break };
                return Ok(started(&text, holder, &node, &path[depth..], value, style));
            }
            None if node.is_flow(&text) => {
                let member = flow(&super::nested(&path[depth..], value));
                let member = &member[1..member.len() - 1];
                let comma = if members.is_empty() { "" } else { ", " };
                let at = node.range.start + 1;
                return Ok(spliced(&text, vec![(at..at, format!("{member}{comma}"))]));
            }
            None => {
                let (Some(holder), Some((first, _))) = (&holder, members.first()) else { break };
                let indent = first.range.start - line_start(&text, first.range.start);
                let lines = block(&path[depth..], value, indent, break_, style);
                let at = line_end(&text, holder.range.end);
                return Ok(spliced(&text, vec![(at..at, lines)]));
            }
        }
    }
    Err(EditProblem::Elsewhere)
}

pub(super) fn unset(text: &str, path: &[&str]) -> Result<String, EditProblem> {
    let Some(mut node) = document(text)? else { return Ok(text.to_owned()) };
    let mut holder: Option<Node> = None;
    for (depth, key) in path.iter().enumerate() {
        let Kind::Mapping(members) = &node.kind else { break };
        let Some((at, name, value)) = node.only(text, key, &path[..=depth])? else { break };
        if depth + 1 < path.len() {
            holder = Some(name.clone());
            node = value.clone();
            continue;
        }
        if node.is_flow(text) {
            let range = match (members.get(at + 1), at.checked_sub(1).and_then(|before| members.get(before)))
            {
                (Some((next, _)), _) => name.range.start..next.range.start,
                (None, Some((_, before))) => before.range.end..value.range.end,
                (None, None) => name.range.start..value.range.end,
            };
            return Ok(spliced(text, vec![(range, String::new())]));
        }
        let end = value.end().max(name.range.end);
        let end = text[..end].trim_end().len().max(name.range.end);
        let mut splices = vec![(line_start(text, name.range.start)..line_end(text, end), String::new())];
        if members.len() == 1
            && let Some(holder) = &holder
            && let Some(colon) = text[holder.range.end..].find(':')
        {
            // A key whose mapping is gone would read as null.
            let after = holder.range.end + colon + 1;
            splices.push((after..after, " {}".to_owned()));
        }
        return Ok(spliced(text, splices));
    }
    Ok(text.to_owned())
}

/// The text with the first member of a mapping that had none.
fn started(text: &str, holder: &Node, empty: &Node, path: &[&str], value: &Value, style: Style) -> String {
    let indent = column(text, holder.range.start) + style.unit;
    let mut splices = Vec::new();
    if !empty.range.is_empty() {
        let before = text[..empty.range.start].trim_end_matches(' ').len();
        splices.push((before..empty.range.end, String::new()));
    }
    let end = line_end(text, holder.range.end.max(empty.range.end));
    let break_ = newline(text);
    let missing = if text[..end].ends_with('\n') { "" } else { break_ };
    splices.push((end..end, format!("{missing}{}", block(path, value, indent, break_, style))));
    spliced(text, splices)
}

fn appended(text: &str, path: &[&str], value: &Value, style: Style) -> String {
    let break_ = newline(text);
    let missing = if text.is_empty() || text.ends_with('\n') { "" } else { break_ };
    format!("{text}{missing}{}", block(path, value, 0, break_, style))
}

/// How far a file sets its members in, and its lists below their keys.
#[derive(Clone, Copy)]
struct Style {
    unit: usize,
    list: usize,
}

impl Style {
    const DEFAULT: Self = Self { unit: 2, list: 2 };

    /// As the first mapping and the first list within the file are set in.
    fn of(text: &str, root: &Node) -> Self {
        let (mut unit, mut list) = (None, None);
        root.look(text, &mut unit, &mut list);
        let unit = unit.unwrap_or(Self::DEFAULT.unit);
        Self { unit, list: list.unwrap_or(unit) }
    }
}

/// The member in block style, each line with its line break.
fn block(path: &[&str], value: &Value, indent: usize, break_: &str, style: Style) -> String {
    let Some((key, rest)) = path.split_first() else { return String::new() };
    let start = format!("{:indent$}{}:", "", plain(key));
    let inner = indent + style.unit;
    if !rest.is_empty() {
        return format!("{start}{break_}{}", block(rest, value, inner, break_, style));
    }
    match value {
        Value::Object(members) if !members.is_empty() => {
            let lines: String = members
                .iter()
                .map(|(key, value)| block(&[key.as_str()], value, inner, break_, style))
                .collect();
            format!("{start}{break_}{lines}")
        }
        Value::Array(elements) if !elements.is_empty() => {
            let indent = indent + style.list;
            let lines: String =
                elements.iter().map(|element| format!("{:indent$}- {}{break_}", "", flow(element))).collect();
            format!("{start}{break_}{lines}")
        }
        other => format!("{start} {}{break_}", flow(other)),
    }
}

/// Where in its line a byte stands.
fn column(text: &str, byte: usize) -> usize {
    byte - line_start(text, byte)
}

/// A value in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => plain(text),
        Value::Array(elements) => format!("[{}]", elements.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{}: {}", plain(key), flow(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// A text without quotes where every reader of YAML takes it for a text.
fn plain(text: &str) -> String {
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_lowercase().as_str());
    if safe { text.to_owned() } else { Value::from(text).to_string() }
}

impl Node {
    fn value(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::Sequence(elements) => Value::Array(elements.iter().map(Self::value).collect()),
            Kind::Mapping(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.name(), value.value())).collect())
            }
        }
    }

    fn name(&self) -> String {
        match self.value() {
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    fn is(&self, key: &str) -> bool {
        self.name() == key
    }

    /// The member of this name with its place and its value, if there is exactly one.
    fn only(
        &self,
        text: &str,
        key: &str,
        path: &[&str],
    ) -> Result<Option<(usize, &Node, &Node)>, EditProblem> {
        let Kind::Mapping(members) = &self.kind else { return Ok(None) };
        let same: Vec<_> = members.iter().enumerate().filter(|(_, (name, _))| name.is(key)).collect();
        if same.len() > 1 {
            let lines = same.iter().map(|(_, (name, _))| line_number(text, name.range.start)).collect();
            return Err(EditProblem::Repeated { member: path.join("."), lines });
        }
        Ok(same.first().map(|(at, (name, value))| (*at, name, value)))
    }

    /// Looks for the first mapping and the first list in block style, and how far they are set in.
    fn look(&self, text: &str, unit: &mut Option<usize>, list: &mut Option<usize>) {
        let Kind::Mapping(members) = &self.kind else { return };
        for (name, value) in members {
            let key = column(text, name.range.start);
            let further = |byte: usize| column(text, byte).checked_sub(key).filter(|further| *further <= 8);
            match &value.kind {
                _ if value.is_flow(text) => {}
                Kind::Mapping(inner) => {
                    let first = inner.first().and_then(|(first, _)| further(first.range.start));
                    *unit = unit.or(first.filter(|further| *further > 0));
                    value.look(text, unit, list);
                }
                Kind::Sequence(elements) => {
                    let dash = elements.first().and_then(|first| {
                        let start = line_start(text, first.range.start);
                        let line = &text[start..first.range.start];
                        line.trim_start().starts_with('-').then(|| start + line.find('-').unwrap_or_default())
                    });
                    *list = list.or(dash.and_then(further));
                }
                Kind::Scalar(_) => {}
            }
        }
    }

    fn is_flow(&self, text: &str) -> bool {
        text[self.range.start..].starts_with(['{', '['])
    }

    /// Where the last thing that belongs to the node ends.
    fn end(&self) -> usize {
        match &self.kind {
            Kind::Scalar(_) => self.range.end,
            Kind::Sequence(elements) => elements.last().map_or(self.range.end, Self::end),
            Kind::Mapping(members) => members.last().map_or(self.range.end, |(_, value)| value.end()),
        }
    }
}

/// The root of the one document; none if there is no document.
fn document(text: &str) -> Result<Option<Node>, EditProblem> {
    let mut builder = Builder {
        text,
        // The parser counts characters.
        bytes: text.char_indices().map(|(byte, _)| byte).chain([text.len()]).collect(),
        events: Parser::new_from_str(text),
        anchors: HashMap::new(),
        nodes: 0,
    };
    let mut root = None;
    loop {
        let (event, span) = builder.next()?;
        match event {
            Event::StreamEnd => return Ok(root),
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) if root.is_some() => {
                return Err(builder.problem(span.start, "a second document starts"));
            }
            Event::DocumentStart(_) => {
                let (event, span) = builder.next()?;
                root = Some(builder.node(event, span, 0)?);
            }
            _ => return Err(builder.problem(span.start, "a document is expected")),
        }
    }
}

struct Builder<'a> {
    text: &'a str,
    bytes: Vec<usize>,
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    fn problem(&self, at: Marker, what: impl Into<String>) -> EditProblem {
        EditProblem::at(self.text, self.byte(at), what)
    }

    fn byte(&self, at: Marker) -> usize {
        self.bytes.get(at.index()).copied().unwrap_or(self.text.len())
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), EditProblem> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.problem(*error.marker(), error.info())),
            None => Ok((Event::StreamEnd, Span::empty(Marker::new(0, 1, 0)))),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, EditProblem> {
        self.nodes += 1;
        if self.nodes > NODES || depth > DEPTH {
            return Err(self.problem(span.start, "it is too large or too deep"));
        }
        let start = self.byte(span.start);
        let mut end = self.byte(span.end);
        let (anchor, kind) = match event {
            Event::Scalar(text, style, anchor, _) => (anchor, Kind::Scalar(scalar(&text, style))),
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.problem(span.start, "an alias names nothing"));
                };
                self.nodes += count(&node);
                (0, node.kind)
            }
            Event::SequenceStart(anchor, _) => {
                let mut elements = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::SequenceEnd {
                        end = self.byte(span.end);
                        break;
                    }
                    elements.push(self.node(event, span, depth + 1)?);
                }
                (anchor, Kind::Sequence(elements))
            }
            Event::MappingStart(anchor, _) => {
                let mut members = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if event == Event::MappingEnd {
                        end = self.byte(span.end);
                        break;
                    }
                    let name = self.node(event, span, depth + 1)?;
                    let (event, span) = self.next()?;
                    members.push((name, self.node(event, span, depth + 1)?));
                }
                (anchor, Kind::Mapping(members))
            }
            _ => return Err(self.problem(span.start, "the document ends too early")),
        };
        let node = Node { range: start..end, kind };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }
}

fn count(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar(_) => 1,
        Kind::Sequence(elements) => 1 + elements.iter().map(count).sum::<usize>(),
        Kind::Mapping(members) => {
            1 + members.iter().map(|(name, value)| count(name) + count(value)).sum::<usize>()
        }
    }
}

/// A scalar by YAML's core schema.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::from(text);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => {
            let number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
            let integer = || text.parse::<i64>().ok().map(Value::from);
            let float = || text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Value::from);
            number.then(|| integer().or_else(float)).flatten().unwrap_or_else(|| Value::from(text))
        }
    }
}
