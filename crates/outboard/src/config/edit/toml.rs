//! Edits of TOML. A new table is written at the end of the text; what is replaced or taken out goes through a
//! document that keeps its formatting, and only if that document is the text to the byte.

use serde_json::{Map, Value};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, TableLike};

use super::{EditProblem, nested};

pub(super) fn read(text: &str) -> Result<Value, EditProblem> {
    Ok(value_of_table(parse(text)?.as_table()))
}

pub(super) fn set(text: &str, path: &[&str], value: &Value) -> Result<String, EditProblem> {
    with_line_feeds(text, |text| set_member(text, path, value))
}

pub(super) fn unset(text: &str, path: &[&str]) -> Result<String, EditProblem> {
    with_line_feeds(text, |text| unset_member(text, path))
}

/// Edits a text whose lines all end as on Windows as if they ended as elsewhere: the document knows only those.
fn with_line_feeds(
    text: &str,
    edit: impl FnOnce(&str) -> Result<String, EditProblem>,
) -> Result<String, EditProblem> {
    let plain = text.replace("\r\n", "\n");
    if text.contains('\r') && plain.replace('\n', "\r\n") == text {
        return edit(&plain).map(|new| new.replace('\n', "\r\n"));
    }
    edit(text)
}

fn set_member(text: &str, path: &[&str], value: &Value) -> Result<String, EditProblem> {
    let mut document = exact(text)?;
    let mut here: &mut dyn TableLike = document.as_table_mut();
    for (depth, key) in path.iter().enumerate() {
        let rest = &path[depth + 1..];
        let found = here.get(key).is_some();
        if rest.is_empty() {
            if !found && !here_is_inline(text, path, value) {
                return Ok(appended(text, path, value));
            }
            let mut new = item(value);
            if let (Some(Item::Table(old)), Item::Table(new)) = (here.get(key), &mut new) {
                new.set_position(old.position());
                *new.decor_mut() = old.decor().clone();
            }
            here.insert(key, new);
            break;
        }
        if !found {
            if !here_is_inline(text, path, value) {
                return Ok(appended(text, path, value));
            }
            here.insert(key, item(&nested(rest, value)));
            break;
        }
        here = here
            .get_mut(key)
            .and_then(Item::as_table_like_mut)
            .ok_or_else(|| EditProblem::not_an_object(&path[..=depth]))?;
    }
    Ok(document.to_string())
}

fn unset_member(text: &str, path: &[&str]) -> Result<String, EditProblem> {
    let mut document = exact(text)?;
    let mut here: &mut dyn TableLike = document.as_table_mut();
    let Some((name, parents)) = path.split_last() else { return Ok(text.to_owned()) };
    for key in parents {
        let Some(next) = here.get_mut(key).and_then(Item::as_table_like_mut) else {
            return Ok(text.to_owned());
        };
        here = next;
    }
    here.remove(name);
    Ok(document.to_string())
}

fn parse(text: &str) -> Result<DocumentMut, EditProblem> {
    text.parse::<DocumentMut>().map_err(|error| {
        EditProblem::at(text, error.span().map_or(0, |span| span.start), error.message().replace('\n', ", "))
    })
}

/// The document, if writing it gives the same text. A line break at the end may be added.
fn exact(text: &str) -> Result<DocumentMut, EditProblem> {
    let document = parse(text)?;
    let written = document.to_string();
    if written == text || written.strip_suffix('\n') == Some(text) {
        Ok(document)
    } else {
        Err(EditProblem::Elsewhere)
    }
}

/// Whether the member is no table, or a parent of it is written in a form that a table further down cannot add to.
fn here_is_inline(text: &str, path: &[&str], value: &Value) -> bool {
    !value.is_object() || appended(text, path, &Value::Object(Map::new())).parse::<DocumentMut>().is_err()
}

/// The text with a table for the member behind everything else.
fn appended(text: &str, path: &[&str], value: &Value) -> String {
    let mut new = text.to_owned();
    if !new.is_empty() && !new.ends_with('\n') {
        new.push('\n');
    }
    if !new.is_empty() {
        new.push('\n');
    }
    push_table(&mut new, path, value);
    new
}

fn push_table(new: &mut String, path: &[&str], value: &Value) {
    let header: Vec<String> = path.iter().map(|key| toml_edit::Key::new(*key).to_string()).collect();
    new.push_str(&format!("[{}]\n", header.join(".")));
    let members = value.as_object().into_iter().flatten();
    let (tables, values): (Vec<_>, Vec<_>) = members.partition(|(_, value)| value.is_object());
    for (key, value) in values {
        new.push_str(&format!("{} = {}\n", toml_edit::Key::new(key), toml_value(value)));
    }
    for (key, value) in tables {
        new.push('\n');
        push_table(new, &[path, &[key.as_str()]].concat(), value);
    }
}

fn item(value: &Value) -> Item {
    let Value::Object(members) = value else { return Item::Value(toml_value(value)) };
    let mut table = Table::new();
    for (key, value) in members {
        table.insert(key, item(value));
    }
    Item::Table(table)
}

/// A value in one line. TOML has no null; entries written here have none.
fn toml_value(value: &Value) -> toml_edit::Value {
    match value {
        Value::Null => "".into(),
        Value::Bool(boolean) => (*boolean).into(),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => number.as_f64().unwrap_or_default().into(),
        },
        Value::String(text) => text.as_str().into(),
        Value::Array(elements) => elements.iter().map(toml_value).collect::<Array>().into(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.as_str(), toml_value(value)))
            .collect::<InlineTable>()
            .into(),
    }
}

fn value_of_table(table: &dyn TableLike) -> Value {
    Value::Object(table.iter().filter_map(|(key, item)| Some((key.to_owned(), value_of(item)?))).collect())
}

fn value_of(item: &Item) -> Option<Value> {
    match item {
        Item::None => None,
        Item::Value(value) => Some(value_of_value(value)),
        Item::Table(table) => Some(value_of_table(table)),
        Item::ArrayOfTables(tables) => {
            Some(Value::Array(tables.iter().map(|table| value_of_table(table)).collect()))
        }
    }
}

fn value_of_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::String(text.value().clone()),
        toml_edit::Value::Integer(integer) => Value::from(*integer.value()),
        toml_edit::Value::Float(float) => Value::from(*float.value()),
        toml_edit::Value::Boolean(boolean) => Value::Bool(*boolean.value()),
        toml_edit::Value::Datetime(time) => Value::String(time.value().to_string()),
        toml_edit::Value::Array(array) => Value::Array(array.iter().map(value_of_value).collect()),
        toml_edit::Value::InlineTable(table) => value_of_table(table),
    }
}
