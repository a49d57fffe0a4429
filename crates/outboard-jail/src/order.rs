//! What is said between Outboard and a jail: the order it is made by, commands, and what becomes of them.
//! Everything that a jail says is written by code of ours beside hostile processes, and is read as if they had written it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::protection::{Protection, Standing};

/// How a jail is made. The first message to the launcher.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// Files and folders of the host that are to be seen in the jail, read-only.
    pub shown: Vec<Shown>,
    /// Files that are written into the jail before anything runs: where, and their text.
    pub files: Vec<(PathBuf, String)>,
    /// The complete environment of commands.
    pub environment: Vec<(String, String)>,
    /// What the jail may use.
    pub limits: Limits,
    /// Protections without which no jail is to be made, beside those that no jail is made without.
    pub required: Vec<Protection>,
    /// Whether a Python is kept ready, if the path of [`environment`](Self::environment) leads to one.
    pub ready_python: bool,
    /// Whether the launcher's standard output is an unbound socket that is to listen at [`crate::TOOLS`].
    pub tools: bool,
}

/// Something of the host that is seen in the jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Where it is on the host.
    pub host: PathBuf,
    /// Where it is seen in the jail; an absolute path.
    pub inside: PathBuf,
}

/// What a jail may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory of all processes together; files in the jail are memory too.
    pub memory: u64,
    /// Bytes of all files together.
    pub disk: u64,
    /// Files, folders and links together.
    pub files: u64,
    /// Processes and threads at once.
    pub processes: u64,
    /// Seconds of processor time of one process.
    pub cpu_seconds: u64,
    /// Open files of one process.
    pub open_files: u64,
    /// Processors' worth of time in hundredths: 100 is one processor.
    pub cpu_percent: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: 2 << 30,
            disk: 512 << 20,
            files: 50_000,
            processes: 256,
            cpu_seconds: 3_600,
            open_files: 1_024,
            cpu_percent: 100,
        }
    }
}

/// A command for a jail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// Whether it reads what was sent before it as [`Kind::Input`](crate::frame::Kind::Input); otherwise nothing.
    pub input: bool,
    /// Whether its standard error goes where its standard output goes, so that both stay in order.
    pub merged: bool,
    /// Bytes of its output that are passed on, of both streams together; what comes after is counted and dropped.
    pub output: u64,
}

/// The end of a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// How it ended.
    pub how: End,
    /// Bytes of output that were dropped.
    pub dropped: u64,
    /// Processes that are still there, of this command or an earlier one, where they can be counted.
    pub left: u64,
    /// All processes were ended because together they used more memory than the jail has.
    pub out_of_memory: bool,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It could not be started, for this reason.
    NotStarted(String),
}

/// The answer to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The jail stands.
    Ready(Vec<Standing>),
    /// There is none: what could not be done.
    Refused(Refusal),
}

/// Why a jail was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Refusal {
    /// A protection that is required cannot be had here.
    #[error("the protection `{}` cannot be had here: {why}", protection.name())]
    Missing {
        /// Which.
        protection: Protection,
        /// Why.
        why: String,
    },
    /// Something that belongs to no protection.
    #[error("{0}")]
    Failed(String),
}
