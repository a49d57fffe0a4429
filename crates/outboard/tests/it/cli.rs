//! The commands as a person at a terminal or a program uses them: what they print where, and how they end.

mod calling;
mod doctor;
mod finding;
mod listing;
mod observing;
mod pages;
mod policy;
mod running;
mod streams;
mod types;

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use outboard_testkit::client::Home;
use serde_json::{Map, Value, json};

use crate::harness::{OUTBOARD, fixture};

/// A user with these upstreams.
pub(crate) struct Person {
    pub(crate) home: Home,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The JSON on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Panics unless it ended with this code and its standard error holds all of these.
    pub(crate) fn check(&self, code: i32, says: &[&str]) -> &Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        for part in says {
            assert!(self.err.contains(part), "{part}: {self:?}");
        }
        self
    }

    /// Panics unless it ended well and complained of nothing; gives its output.
    pub(crate) fn fine(&self) -> &str {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
        &self.out
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Person {
    /// One upstream `fix` with these switches.
    pub(crate) fn with(switches: &[&str]) -> Self {
        Self::of(&[("fix", fixture(switches))])
    }

    pub(crate) fn of(upstreams: &[(&str, Value)]) -> Self {
        let home = Home::new();
        let servers: Map<String, Value> =
            upstreams.iter().map(|(name, entry)| ((*name).to_owned(), entry.clone())).collect();
        home.configure(&json!({ "mcpServers": servers }));
        Self { home }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.home.command(OUTBOARD, arguments);
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn says(&self, arguments: &[&str]) -> Said {
        self.command(arguments).output().unwrap().into()
    }

    /// The same with this on standard input.
    pub(crate) fn given(&self, input: &str, arguments: &[&str]) -> Said {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap().into()
    }

    /// Runs a script from standard input.
    pub(crate) fn runs(&self, code: &str) -> Said {
        self.given(code, &["run", "-"])
    }

    /// A user with exactly this configuration.
    pub(crate) fn configured(configuration: &Value) -> Self {
        let home = Home::new();
        home.configure_exactly(configuration);
        Self { home }
    }

    /// A file of the project with this content.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.home.project().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}
