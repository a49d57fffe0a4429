//! The MCP clients of this user: where each keeps its servers and in what form. Reading is here; writing Outboard
//! into a client is `install`, taking its servers over is `import`. Nothing here starts or trusts anything.

mod claude_code;
mod claude_desktop;
mod codex;
mod convert;
mod cursor;
mod draft;
mod gemini;
mod goose;
pub(crate) mod import;
pub(crate) mod install;
mod opencode;
mod program;
mod record;
mod surroundings;
mod terms;
mod vscode;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub(crate) use program::Program;
pub(crate) use surroundings::{Os, Surroundings};

use crate::config::{
    Entry, FileKind,
    edit::Syntax,
    listed,
    store::{Original, StoreProblem},
};

/// The name under which Outboard stands in a client's file.
pub(crate) const NAME: &str = "outboard";

/// One client: data about it, and what its file's form asks for.
pub(crate) struct Client {
    /// As it is named on the command line.
    pub(crate) id: &'static str,
    /// As people name it.
    pub(crate) title: &'static str,
    pub(crate) syntax: Syntax,
    /// The user's files in which it looks for servers; the first is made if there is none.
    files: fn(&Surroundings<'_>) -> Vec<PathBuf>,
    /// The object that holds the servers, given the whole file.
    section: fn(&Value) -> &'static [&'static str],
    /// The entry that starts Outboard.
    entry: fn(&Program) -> Value,
    /// The servers that a whole file names.
    servers: fn(&Value, &Surroundings<'_>) -> Vec<Server>,
    /// How a person takes a server out of it.
    removal: fn(&str, Option<&str>, &Path) -> String,
    /// What its user should know after Outboard was put in.
    pub(crate) afterwards: &'static str,
    /// If it hands its servers few of the user's variables: how they are named in its entry.
    pub(crate) variables: Option<&'static str>,
    /// Whether it is started without the shell's search path.
    pub(crate) needs_absolute: bool,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.id)
    }
}

/// A server that a client has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) name: String,
    /// The project that it is for, if it is for one only.
    pub(crate) project: Option<String>,
    /// The entry in Outboard's form, or why Outboard has none for it.
    pub(crate) entry: Result<Value, String>,
    /// Whether it is switched off there.
    pub(crate) disabled: bool,
    /// What a person should know of it once it is taken over.
    pub(crate) notes: Vec<String>,
}

/// What one file of a client says.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) client: &'static Client,
    pub(crate) file: PathBuf,
    pub(crate) servers: Result<Vec<Server>, StoreProblem>,
}

/// Every client that is known here.
pub(crate) const ALL: [&Client; 8] = [
    &claude_code::CLIENT,
    &claude_desktop::CLIENT,
    &codex::CLIENT,
    &cursor::CLIENT,
    &vscode::CLIENT,
    &gemini::CLIENT,
    &goose::CLIENT,
    &opencode::CLIENT,
];

/// The client of this name on the command line.
pub(crate) fn named(id: &str) -> Option<&'static Client> {
    ALL.into_iter().find(|client| client.id == id)
}

/// What the clients of this user have, a part for each file that exists. A file that cannot be read is told of in its
/// part and costs no other.
pub(crate) fn servers(surroundings: &Surroundings<'_>) -> Vec<Found> {
    ALL.into_iter().flat_map(|client| client.found(surroundings)).collect()
}

impl Client {
    /// What the client's files say, those that exist.
    pub(crate) fn found(&'static self, surroundings: &Surroundings<'_>) -> Vec<Found> {
        let files = (self.files)(surroundings).into_iter().filter(|file| file.exists());
        let found = files.map(|file| {
            let servers = self.servers_of(&file, surroundings);
            Found { client: self, file, servers }
        });
        found.collect()
    }

    /// The file into which Outboard is written.
    pub(crate) fn file(&self, surroundings: &Surroundings<'_>) -> Option<PathBuf> {
        let files = (self.files)(surroundings);
        files.iter().find(|file| file.exists()).or(files.first()).cloned()
    }

    /// How a person takes a server out of this client.
    pub(crate) fn removal(&self, server: &Server, file: &Path) -> String {
        (self.removal)(&server.name, server.project.as_deref(), file)
    }

    /// The servers that a file names. One that it names more than once is refused: clients differ in which they take.
    fn servers_of(&self, file: &Path, surroundings: &Surroundings<'_>) -> Result<Vec<Server>, StoreProblem> {
        let (original, value) = self.read(file)?;
        let mut servers = (self.servers)(&value, surroundings);
        let repeated = self
            .syntax
            .repeated(original.text(), (self.section)(&value))
            .map_err(|source| StoreProblem::Edit { path: file.to_owned(), source })?;
        for twice in repeated {
            let reason = format!("it stands there more than once, in lines {}", listed(&twice.lines));
            let same = |server: &&mut Server| server.project.is_none() && server.name == twice.name;
            for server in servers.iter_mut().filter(same) {
                server.entry = Err(reason.clone());
                server.notes.clear();
            }
        }
        Ok(servers)
    }

    fn read(&self, file: &Path) -> Result<(Original, Value), StoreProblem> {
        let original = Original::read(file)?;
        let value = self
            .syntax
            .read(original.text())
            .map_err(|source| StoreProblem::Edit { path: file.to_owned(), source })?;
        Ok((original, value))
    }
}

impl Server {
    /// The entry as Outboard would read it from its own file.
    pub(crate) fn parsed(&self) -> Result<Entry, String> {
        let entry = self.entry.as_ref().map_err(Clone::clone)?;
        Entry::parse(entry, FileKind::User).map_err(|wrong| wrong.to_string())
    }

    /// Whether the server is Outboard itself.
    pub(crate) fn is_outboard(&self, this_program: Option<&Path>) -> bool {
        self.parsed().is_ok_and(|entry| entry.is_outboard(this_program))
    }
}

/// The members of the object at `path`; none if there is no such object.
fn members<'a>(value: &'a Value, path: &[&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let object: Option<&Map<String, Value>> =
        path.iter().try_fold(value, |value, key| value.get(key)).and_then(Value::as_object);
    object.into_iter().flatten()
}

#[cfg(test)]
mod tests;
