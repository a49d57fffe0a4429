//! Configuration: which upstreams there are and how Outboard behaves, from the user's file and
//! the project's. It reads files and variables; it starts nothing and trusts nothing by itself.

mod discover;
pub(crate) mod edit;
pub(crate) mod editing;
mod entry;
mod expand;
mod file;
mod foreign;
mod journal;
mod load;
mod openapi;
mod policy;
pub(crate) mod secrets;
mod settings;
pub(crate) mod store;
mod usage;
mod workspace;
mod wrong;

pub(crate) use discover::{NoHome, Places};
pub(crate) use entry::{Entry, Transport, valid_name};
pub(crate) use expand::{expand, named};
pub(crate) use file::{ConfigFile, FileKind, FileProblem, OWN_SYNTAX, hash, in_line};
pub(crate) use journal::{JournalSettings, Survives};
pub(crate) use load::{Configuration, Configured, examine, load, reload};
pub(crate) use openapi::{Credential, Login, OpenApi, References};
pub(crate) use settings::{RESULT_TOKENS, Settings, TypeCheck};
pub(crate) use usage::Usage;
pub(crate) use workspace::{DaytonaSettings, Wall, WorkspaceSettings};
pub(crate) use wrong::{Wrong, listed};
