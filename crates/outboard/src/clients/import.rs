//! Works out which of the clients' servers come into the user's `outboard.json`, under which names, and why others
//! do not. It writes nothing and takes nothing away from a client.

use serde_json::{Map, Value};

use super::{Client, Found, Server};
use crate::config::{Entry, FileKind};

/// One server of a client, and what becomes of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) client: &'static str,
    pub(crate) server: Server,
    pub(crate) verdict: Verdict,
}

/// What becomes of a server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It is added under this name.
    Add { name: String, entry: Value },
    /// What it reaches is there already, under this name; how its use differs, a line each.
    Same { name: String, differences: Vec<String> },
    /// It cannot come in.
    Skip { reason: String },
}

/// Judges every server of these clients, in order, against what the user's file names already.
pub(crate) fn plan(
    found: &[(&'static Client, &[Server])],
    existing: &Map<String, Value>,
    this_program: Option<&std::path::Path>,
) -> Vec<Candidate> {
    let mut known: Vec<Known> = existing.iter().map(|(name, entry)| Known::of(name, entry.clone())).collect();
    let servers =
        found.iter().flat_map(|(client, servers)| servers.iter().map(move |server| (*client, server)));
    servers
        .map(|(client, server)| {
            let verdict = judge(client, server, &known, this_program);
            if let Verdict::Add { name, entry } = &verdict {
                known.push(Known::of(name, entry.clone()));
            }
            Candidate { client: client.id, server: server.clone(), verdict }
        })
        .collect()
}

/// A server that the user's file names, or will name.
struct Known {
    name: String,
    written: Value,
    entry: Option<Entry>,
}

impl Known {
    fn of(name: &str, written: Value) -> Self {
        let entry = Entry::parse(&written, FileKind::User).ok();
        Self { name: name.to_owned(), written, entry }
    }

    /// How another entry for the same asks for another use, as far as clients say it.
    fn differences(&self, there: &Value) -> Vec<String> {
        let places: [&[&str]; 4] = [&["tools", "allow"], &["tools", "deny"], &["timeout"], &["disabled"]];
        let at = |entry: &Value, place: &[&str]| {
            let value = place.iter().try_fold(entry, |value, key| value.get(key)).cloned();
            // What a server is without being told.
            value.filter(|value| *value != Value::Bool(false) && !value.is_null())
        };
        let say =
            |value: Option<Value>| value.map_or_else(|| "not set".to_owned(), |value| value.to_string());
        let differ = places.into_iter().filter_map(|place| {
            let (there, here) = (at(there, place), at(&self.written, place));
            let is_same = match (&there, &here) {
                (Some(Value::Number(one)), Some(Value::Number(other))) => one.as_f64() == other.as_f64(),
                _ => there == here,
            };
            let name = place.join(".");
            (!is_same).then(|| format!("`{name}` is {} there and {} here", say(there), say(here)))
        });
        differ.collect()
    }
}

/// The clients' servers, without the files that could not be read.
pub(crate) fn readable(found: &[Found]) -> Vec<(&'static Client, &[Server])> {
    found.iter().filter_map(|found| Some((found.client, found.servers.as_deref().ok()?))).collect()
}

fn judge(
    client: &Client,
    server: &Server,
    known: &[Known],
    this_program: Option<&std::path::Path>,
) -> Verdict {
    let entry = match server.parsed() {
        Ok(entry) => entry,
        Err(reason) => return Verdict::Skip { reason },
    };
    let Ok(written) = &server.entry else { return Verdict::Skip { reason: "it has no entry".to_owned() } };
    if entry.is_outboard(this_program) {
        return Verdict::Skip { reason: "it is Outboard itself".to_owned() };
    }
    if let Err(reason) = crate::config::valid_name(&server.name) {
        return Verdict::Skip { reason: format!("its name {reason}") };
    }
    let mut written = written.clone();
    if server.disabled
        && let Value::Object(members) = &mut written
    {
        members.insert("disabled".to_owned(), Value::Bool(true));
    }
    let reaches = |known: &&Known| known.entry.as_ref().is_some_and(|it| it.transport == entry.transport);
    if let Some(same) = known.iter().find(reaches) {
        return Verdict::Same { name: same.name.clone(), differences: same.differences(&written) };
    }
    let taken = |name: &str| known.iter().any(|known| known.name == name);
    let with_client = format!("{}-{}", server.name, client.id);
    let numbered = (2..).map(|number| format!("{with_client}-{number}"));
    let mut candidates = [server.name.clone(), with_client.clone()].into_iter().chain(numbered);
    match candidates.find(|name| !taken(name)) {
        Some(name) => Verdict::Add { name, entry: written },
        None => Verdict::Skip { reason: "every name for it is taken".to_owned() },
    }
}
