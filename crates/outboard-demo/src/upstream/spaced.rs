//! JSON with a space after each comma and colon, as Python's `json.dumps` writes it and so most MCP servers do.
//! The demonstration that this one follows was measured with such a server; no line breaks are added.

use std::io;

use serde::Serialize;
use serde_json::{Value, ser::Formatter};

struct Spaced;

/// The value as one line of JSON.
pub(super) fn to_string(value: &Value) -> Result<String, serde_json::Error> {
    let mut text = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut text, Spaced))?;
    String::from_utf8(text).map_err(|error| serde_json::Error::io(io::Error::other(error)))
}

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn commas_and_colons_are_followed_by_a_space_and_strings_stay() {
        let value = json!({"a": [1, {"b": "x,y:z"}], "c": null});
        assert_eq!(to_string(&value).unwrap(), r#"{"a": [1, {"b": "x,y:z"}], "c": null}"#);
    }
}
