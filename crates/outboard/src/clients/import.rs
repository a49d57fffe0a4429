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
    /// The same entry is there already, under this name.
    Same { name: String },
    /// It cannot come in.
    Skip { reason: String },
}

/// Judges every server of these clients, in order, against what the user's file names already.
pub(crate) fn plan(
    found: &[(&'static Client, &[Server])],
    existing: &Map<String, Value>,
    this_program: Option<&std::path::Path>,
) -> Vec<Candidate> {
    let mut names: Vec<(String, Option<Entry>)> = existing
        .iter()
        .map(|(name, entry)| (name.clone(), Entry::parse(entry, FileKind::User).ok()))
        .collect();
    let servers =
        found.iter().flat_map(|(client, servers)| servers.iter().map(move |server| (*client, server)));
    servers
        .map(|(client, server)| {
            let verdict = judge(client, server, &names, this_program);
            if let Verdict::Add { name, .. } = &verdict {
                names.push((name.clone(), server.parsed().ok()));
            }
            Candidate { client: client.id, server: server.clone(), verdict }
        })
        .collect()
}

/// The clients' servers, without the files that could not be read.
pub(crate) fn readable(found: &[Found]) -> Vec<(&'static Client, &[Server])> {
    found.iter().filter_map(|found| Some((found.client, found.servers.as_deref().ok()?))).collect()
}

fn judge(
    client: &Client,
    server: &Server,
    names: &[(String, Option<Entry>)],
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
    if let Some((name, _)) = names.iter().find(|(_, there)| there.as_ref() == Some(&entry)) {
        return Verdict::Same { name: name.clone() };
    }
    let mut written = written.clone();
    if server.disabled
        && let Value::Object(members) = &mut written
    {
        members.insert("disabled".to_owned(), Value::Bool(true));
    }
    let taken = |name: &str| names.iter().any(|(there, _)| there == name);
    let with_client = format!("{}-{}", server.name, client.id);
    let numbered = (2..).map(|number| format!("{with_client}-{number}"));
    let mut candidates = [server.name.clone(), with_client.clone()].into_iter().chain(numbered);
    match candidates.find(|name| !taken(name)) {
        Some(name) => Verdict::Add { name, entry: written },
        None => Verdict::Skip { reason: "every name for it is taken".to_owned() },
    }
}
