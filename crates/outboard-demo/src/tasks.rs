//! The tasks that stand in the repository, as files in the form of outboard-agent, and the user for whom they are done: one
//! who has the demo's data service and nothing else. The files are compiled in.

use std::{io, path::Path};

use outboard_agent::{Task, task::NoTask};
use serde_json::json;

use crate::scratch::Scratch;

/// The service with the data as scripts know it.
pub(crate) const DATA_TOOLS: &str = "data_tools";

const TASKS: [(&str, &str); 4] = [
    ("activity", include_str!("../tasks/activity.toml")),
    ("three-pages", include_str!("../tasks/three-pages.toml")),
    ("one-call", include_str!("../tasks/one-call.toml")),
    ("raw-page", include_str!("../tasks/raw-page.toml")),
];

/// Writes a program with the functions of a workspace, and runs it.
const SUMMARY_COMMAND: &str = include_str!("../turns/summary.sh");

/// The names of the tasks, in the order in which they are shown.
pub fn names() -> impl Iterator<Item = &'static str> {
    TASKS.iter().map(|(name, _)| *name)
}

/// A task by its name.
///
/// # Errors
/// If its file is none, which a test rules out.
pub fn named(name: &str) -> Option<Result<Task, NoTask>> {
    let (_, text) = TASKS.iter().find(|(known, _)| *known == name)?;
    Some(Task::toml(text, &file))
}

/// The scripts that the demo plays are those of the tasks.
fn file(name: &str) -> Result<String, String> {
    match name {
        "summary.ts" => Ok(crate::model::SUMMARY_SCRIPT.to_owned()),
        "summary.sh" => Ok(SUMMARY_COMMAND.trim_end().to_owned()),
        _ => Err(format!("there is no `{name}` among the demo's scripts")),
    }
}

/// A user who has the demo's data service; `exe` is the `outboard` executable that is started as that service. With
/// latency it answers as slowly as a service behind a network.
///
/// # Errors
/// If there is no place for the user's directories.
pub fn user(exe: &Path, latency: bool) -> io::Result<Scratch> {
    let scratch = Scratch::prepare(exe)?;
    // It is our own: nobody need be asked about it.
    let server = json!({ "command": scratch.exe(), "args": arguments(latency), "trust": true });
    scratch.configure(&json!({ "mcpServers": { DATA_TOOLS: server } }))?;
    Ok(scratch)
}

/// The command line of the data service.
pub(crate) fn arguments(latency: bool) -> Vec<String> {
    let mut arguments = vec!["demo-upstream".to_owned()];
    if !latency {
        arguments.push("--no-latency".to_owned());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use outboard_agent::provider::scripted::Scripted;

    use super::*;
    use crate::fakes::right_answer;

    #[test]
    fn every_task_can_be_read_played_and_judged() {
        for name in names() {
            let task = named(name).unwrap().unwrap();
            assert_eq!(task.name, name);
            assert!(task.check.is_some() && !task.title.is_empty());
            for way in &task.ways {
                Scripted::of(&way.turns).unwrap();
            }
        }
        let activity = named("activity").unwrap().unwrap();
        assert!(activity.check.unwrap().is_right(&right_answer().to_string()));
        assert_eq!(activity.prompt, include_str!("../prompts/task.md").trim_end());
        assert!(named("nothing").is_none());
    }
}
