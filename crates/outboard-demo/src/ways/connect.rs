//! Starts the servers of the ways as processes and speaks MCP with them over stdio.
//!
//! Everything that `outboard serve` would keep goes to a directory that vanishes with the demo. It
//! leaves the user's configuration, state and working directory alone.

use serde_json::Value;

use super::{Before, Connect};
use crate::{
    conversation::{Listing, ToolAnswer},
    demo::DemoOptions,
    tool_server::{ServerFailure, ToolServer},
};

pub(crate) struct Processes {
    options: DemoOptions,
    scratch: tempfile::TempDir,
}

impl Processes {
    pub(crate) fn prepare(options: DemoOptions) -> std::io::Result<Self> {
        Ok(Self { options, scratch: tempfile::tempdir()? })
    }
}

pub(crate) struct Process;

impl Connect for Processes {
    type Server = Process;
    async fn connect(&self, _before: Before) -> Result<Process, ServerFailure> {
        Err(ServerFailure(format!("{:?} {:?}", self.options, self.scratch)))
    }
}

impl ToolServer for Process {
    async fn listing(&self) -> Result<Listing, ServerFailure> {
        Err(ServerFailure(String::new()))
    }
    async fn call(&self, _name: &str, _input: &Value) -> Result<ToolAnswer, ServerFailure> {
        Err(ServerFailure(String::new()))
    }
    async fn close(self) {}
}
