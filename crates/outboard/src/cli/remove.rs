//! `outboard remove`: takes a server out of the user's or the project's `outboard.json`.
//! It stops nothing; a running `serve` follows the file.

use clap::Args;
use serde_json::json;

use super::{add::AskedScope, show, variable};
use crate::{
    config::{Places, editing},
    report::{self, Failure, USAGE},
};

/// Options of `outboard remove`.
#[derive(Debug, Args)]
pub(super) struct Remove {
    /// The server's name
    name: String,
    /// Whose file; without it the one that has the server
    #[arg(short, long, value_enum)]
    scope: Option<AskedScope>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Remove {
    pub(super) fn run(self) -> Result<(), Failure> {
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let directory = std::env::current_dir().map_err(|error| Failure::could_not(&error))?;
        let scope = self.scope.map(AskedScope::scope).transpose()?;
        let (file, scope) = editing::remove(&places, &directory, scope, &self.name)
            .map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
        if self.json {
            report::line(json!({"name": self.name, "file": file, "scope": scope.name()}));
        } else {
            report::line(format_args!("`{}` removed from {}", show::escaped(&self.name), file.display()));
        }
        Ok(())
    }
}
