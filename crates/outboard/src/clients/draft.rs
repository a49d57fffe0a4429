//! Reads one server of a client member by member, converts its texts, and remembers what was left unread, so that
//! nothing a client was told is dropped in silence.

use serde_json::{Map, Value};

use super::{Server, convert::Convert};

/// A server while it is read.
pub(super) struct Draft<'a> {
    members: &'a Map<String, Value>,
    convert: Convert,
    seen: Vec<&'a str>,
    notes: Vec<String>,
}

impl<'a> Draft<'a> {
    /// Starts on these members, whose texts are converted like this.
    pub(super) fn new(members: &'a Map<String, Value>, convert: Convert) -> Self {
        Self { members, convert, seen: Vec::new(), notes: Vec::new() }
    }

    /// A member as it is.
    pub(super) fn raw(&mut self, key: &'a str) -> Option<&'a Value> {
        self.seen.push(key);
        self.members.get(key).filter(|value| !value.is_null())
    }

    /// A text, converted.
    pub(super) fn text(&mut self, key: &'a str) -> Result<Option<String>, String> {
        self.raw(key).map(|value| self.converted(key, value)).transpose()
    }

    /// A list of texts, converted.
    pub(super) fn list(&mut self, key: &'a str) -> Result<Vec<String>, String> {
        match self.raw(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(elements)) => elements.iter().map(|value| self.converted(key, value)).collect(),
            Some(_) => Err(format!("`{key}` must be a list")),
        }
    }

    /// Texts by name, converted.
    pub(super) fn texts(&mut self, key: &'a str) -> Result<Map<String, Value>, String> {
        match self.raw(key) {
            None => Ok(Map::new()),
            Some(Value::Object(members)) => members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| Ok((name.clone(), Value::from(self.converted(key, value)?))))
                .collect(),
            Some(_) => Err(format!("`{key}` must be an object")),
        }
    }

    /// Tells a person something about the server.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn converted(&mut self, key: &str, value: &Value) -> Result<String, String> {
        match value {
            Value::String(text) => (self.convert)(text, &mut self.notes),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(boolean) => Ok(boolean.to_string()),
            _ => Err(format!("`{key}` must hold text")),
        }
    }

    /// The server, with a note that names the members that were neither read nor are among the `ignored`, which say
    /// nothing about what is reached or how.
    pub(super) fn finish(
        mut self,
        name: &str,
        disabled: bool,
        entry: Result<Value, String>,
        ignored: &[&str],
    ) -> Server {
        let read = |key: &&String| self.seen.contains(&key.as_str()) || ignored.contains(&key.as_str());
        let left: Vec<String> =
            self.members.keys().filter(|key| !read(key)).map(|key| format!("`{key}`")).collect();
        if entry.is_ok() && !left.is_empty() {
            self.notes.push(format!("not taken over, for want of a counterpart: {}", left.join(", ")));
        }
        Server { name: name.to_owned(), project: None, entry, disabled, notes: self.notes }
    }
}

/// An entry that starts a program.
pub(super) fn stdio(command: &str, args: Vec<String>, env: Map<String, Value>, cwd: Option<String>) -> Value {
    let mut entry = Map::new();
    entry.insert("command".to_owned(), Value::from(command));
    if !args.is_empty() {
        entry.insert("args".to_owned(), Value::from(args));
    }
    if !env.is_empty() {
        entry.insert("env".to_owned(), Value::Object(env));
    }
    if let Some(cwd) = cwd {
        entry.insert("cwd".to_owned(), Value::from(cwd));
    }
    Value::Object(entry)
}

/// An entry that reaches a URL.
pub(super) fn http(url: &str, headers: Map<String, Value>) -> Value {
    let mut entry = Map::new();
    entry.insert("type".to_owned(), Value::from("http"));
    entry.insert("url".to_owned(), Value::from(url));
    if !headers.is_empty() {
        entry.insert("headers".to_owned(), Value::Object(headers));
    }
    Value::Object(entry)
}

/// Why a server of the transport of 2024 is not taken over.
pub(super) const SSE: &str =
    "it speaks the transport of 2024 (`sse`), which Outboard does not; use the server's Streamable HTTP URL";

/// A server in the form that most clients share: `command`, `args`, `env`, `cwd`, or `url` and `headers`.
pub(super) fn shared(name: &str, value: &Value, convert: Convert, ignored: &[&str]) -> Server {
    let empty = Map::new();
    let mut draft = Draft::new(value.as_object().unwrap_or(&empty), convert);
    let disabled = draft.raw("disabled").and_then(Value::as_bool) == Some(true);
    let entry = shared_entry(&mut draft);
    draft.finish(name, disabled, entry, ignored)
}

/// Reads the entry of the form that most clients share.
pub(super) fn shared_entry(draft: &mut Draft<'_>) -> Result<Value, String> {
    let kind = draft.text("type")?;
    if let Some(command) = draft.text("command")? {
        return Ok(stdio(&command, draft.list("args")?, draft.texts("env")?, draft.text("cwd")?));
    }
    let url = draft.text("url")?;
    let url = draft.text("serverUrl")?.or(url);
    match (url, kind.as_deref()) {
        (Some(_), Some("sse")) => Err(SSE.to_owned()),
        (Some(url), None | Some("http" | "streamable-http" | "streamableHttp" | "streamable_http")) => {
            Ok(http(&url, draft.texts("headers")?))
        }
        (Some(_), Some(kind)) => Err(format!("its transport `{kind}` is not spoken here")),
        (None, _) => Err("it has neither `command` nor `url`".to_owned()),
    }
}
