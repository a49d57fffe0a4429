//! TOML as JSON values, which the rest is read from; dates become texts.
//! It knows no tasks.

use std::path::{Component, Path};

use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item, TableLike};

/// The whole text. The error says the line.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text[..text.floor_char_boundary(at)].matches('\n').count() + 1;
        format!("line {line}: {}", error.message())
    })?;
    Ok(table(document.as_table()))
}

fn table(table: &dyn TableLike) -> Value {
    let members = table.iter().map(|(key, item)| (key.to_owned(), value(item)));
    Value::Object(members.collect::<Map<_, _>>())
}

fn value(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(inner) => of_value(inner),
        Item::Table(inner) => table(inner),
        Item::ArrayOfTables(tables) => tables.iter().map(|inner| table(inner)).collect(),
    }
}

fn of_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::from(text.value().as_str()),
        toml_edit::Value::Integer(integer) => Value::from(*integer.value()),
        toml_edit::Value::Float(float) => Value::from(*float.value()),
        toml_edit::Value::Boolean(boolean) => Value::from(*boolean.value()),
        toml_edit::Value::Datetime(time) => Value::from(time.value().to_string()),
        toml_edit::Value::Array(items) => items.iter().map(of_value).collect(),
        toml_edit::Value::InlineTable(inner) => table(inner),
    }
}

/// Puts texts of files where a member of an input is `{ file = "name" }`: a name and no path, since a folder on the way may be a
/// link. The input itself is none, and `{ literal = … }` stands for what is in it as it is.
pub(super) fn fill_in(
    input: &mut Value,
    file: &dyn Fn(&str) -> Result<String, String>,
) -> Result<(), String> {
    match input {
        Value::Object(members) => members.values_mut().try_for_each(|member| fill_in_value(member, file)),
        _ => Ok(()),
    }
}

fn fill_in_value(value: &mut Value, file: &dyn Fn(&str) -> Result<String, String>) -> Result<(), String> {
    match value {
        Value::Object(members) => {
            if members.len() == 1
                && let Some(literal) = members.get_mut("literal")
            {
                *value = literal.take();
                return Ok(());
            }
            if let (1, Some(Value::String(name))) = (members.len(), members.get("file")) {
                let mut parts = Path::new(name).components();
                let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
                if !is_name || name.ends_with(std::path::is_separator) {
                    return Err(format!("`{name}` is no file beside the task"));
                }
                *value = Value::String(file(name)?);
                return Ok(());
            }
            members.values_mut().try_for_each(|member| fill_in_value(member, file))
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill_in_value(item, file)),
        _ => Ok(()),
    }
}
