//! Packages of functions that call tools, as the text of their files: a module for each upstream, a function for each tool, an
//! index, and the client that they share. The same catalogue gives the same files. It writes nothing to disk (see `folder`).
//!
//! What an upstream says enters them as escaped literals, docstrings and comments alone; names of files and functions come
//! from an allow-list. To import them runs none of it.

mod python;
mod typescript;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use outboard_declare::{
    names::{Portable, portable_names},
    summary::first_sentence,
    typescript::ToolShape,
};
use outboard_runtime::catalogue::{Member, Snapshot};
use serde::Serialize;
use serde_json::{Value, json};

use crate::VERSION;

/// In which language a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// For node and tsc: modules of JavaScript, each with its declarations.
    TypeScript,
    /// For Python 3.9 and newer: modules, each with its stub, and the same as coroutines in `aio`.
    Python,
}

/// The files of a package by their paths within its folder.
pub type Files = BTreeMap<String, String>;

/// How the functions of a package find their Outboard. Where the variable `OUTBOARD_SOCKET` names a socket, it is that one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The socket; none if the variable must say.
    pub socket: Option<PathBuf>,
    /// The program and its arguments that see to it that the socket is served; empty if there is no such program.
    pub start: Vec<String>,
    /// Variables that this program needs, beside those of whoever calls.
    pub environment: BTreeMap<String, String>,
}

/// What a package has been made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Its modules, by name.
    pub modules: Vec<Module>,
}

/// A module of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Module {
    /// Its name, which is its file's.
    pub module: String,
    /// The namespace that it calls.
    pub namespace: String,
    /// Its functions, in the order of the upstream's tools.
    pub functions: Vec<String>,
}

/// The folder of a package cannot have this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadName {
    /// It is no identifier.
    #[error(
        "Python cannot import a package called `{0}`: a name is letters, digits and `_`, for example `mcp_tools`"
    )]
    NoName(String),
    /// A module of the standard library has it.
    #[error(
        "`{0}` is a module of Python's standard library, which programs beside the package could not import any more: take another name, for example `mcp_tools`"
    )]
    Standard(String),
}

/// An upstream's tools, as a package needs them.
struct Part<'a> {
    member: &'a Member,
    module: String,
}

/// The files of a package of all tools that are known, for a folder of this name.
///
/// # Errors
/// If the language cannot have a package of that name.
pub fn files(snapshot: &Snapshot, kind: Kind, name: &str, reach: &Reach) -> Result<(Files, Made), BadName> {
    let members: Vec<&Member> =
        snapshot.members().iter().map(|member| &**member).filter(|member| member.listing.is_some()).collect();
    let namespaces: Vec<&str> = members.iter().map(|member| member.namespace.as_str()).collect();
    let modules = portable_names(&namespaces, Portable::Modules, &|_| false);
    let parts: Vec<Part<'_>> = members
        .into_iter()
        .map(|member| Part { member, module: modules[member.namespace.as_str()].clone() })
        .collect();
    let (mut files, modules) = match kind {
        Kind::Python => python::files(&parts, name)?,
        Kind::TypeScript => typescript::files(&parts, name),
    };
    files.insert("_outboard.json".to_owned(), reach.text());
    Ok((files, Made { modules }))
}

impl Reach {
    /// What stands in the package of it. Paths that are not Unicode cannot stand there and are left out: then the variable
    /// must say.
    fn text(&self) -> String {
        let socket = self.socket.as_deref().and_then(Path::to_str);
        let object = json!({
            "version": VERSION, "socket": socket, "start": self.start, "environment": self.environment,
        });
        format!("{object:#}\n")
    }
}

impl Part<'_> {
    /// Does `work` with the upstream's tools.
    fn with_shapes<T>(&self, work: impl FnOnce(&[ToolShape<'_>]) -> T) -> T {
        let schemas: Vec<_> = self.member.tools().map(|(_, tool)| (tool.input(), tool.output())).collect();
        let shapes: Vec<ToolShape<'_>> = self
            .member
            .tools()
            .zip(&schemas)
            .map(|((identifier, tool), (input, output))| ToolShape {
                namespace: self.member.namespace.as_str(),
                identifier,
                description: tool.description.as_deref().or(tool.title.as_deref()),
                input: input.as_deref(),
                output: output.as_deref().filter(|_| tool.declares_result()),
                // What was learned of results is a guess, which must not have a checker refuse a program.
                observed: false,
            })
            .collect();
        work(&shapes)
    }

    /// The upstream's own name of each tool, with the first sentence that it says of it.
    fn tools(&self) -> impl Iterator<Item = (&str, Option<String>)> {
        self.member.tools().map(|(_, tool)| {
            let said = tool.description.as_deref().or(tool.title.as_deref());
            (tool.name.as_str(), said.and_then(first_sentence))
        })
    }

    fn made(&self, functions: Vec<String>) -> Module {
        Module {
            module: self.module.clone(),
            namespace: self.member.namespace.as_str().to_owned(),
            functions,
        }
    }
}

/// The lines of an index: each module with its functions.
fn index(modules: &[Module]) -> Vec<String> {
    let line = |module: &Module| {
        let count = module.functions.len();
        let tools = if count == 1 { "tool" } else { "tools" };
        format!("{} ({count} {tools}): {}", module.module, module.functions.join(", "))
    };
    modules.iter().map(line).collect()
}

/// A function to show in an example, with its module.
fn example(modules: &[Module]) -> Option<(&str, &str)> {
    modules.iter().find_map(|module| Some((module.module.as_str(), module.functions.first()?.as_str())))
}

/// A text that JavaScript and JSON read as exactly this.
fn quoted(text: &str) -> String {
    outboard_declare::text::literal(text)
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
