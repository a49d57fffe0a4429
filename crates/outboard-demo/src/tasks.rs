//! The tasks that stand in the repository, as files in the form of outboard-agent, and the user for whom they are done: one
//! who has the demo's data service and nothing else. The files are compiled in.

use std::{io, path::Path};

use outboard_agent::{Task, provider::scripted::Compute, task::NoTask};
use serde_json::json;

use crate::{model::answers, scratch::Scratch};

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

/// What answers of written turns are worked out by (`answer_by`): what calls gave, never what is known beforehand.
pub fn computed(name: &str) -> Option<Compute> {
    match name {
        "summary" => Some(answers::summary),
        "failures" => Some(answers::failures),
        "pages" => Some(answers::pages),
        _ => None,
    }
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
    use outboard_agent::{Conversation, Message, ToolAnswer, ToolUse, Turn, provider::scripted::Scripted};
    use serde_json::Value;

    use super::*;
    use crate::{data, fakes::right_answer};

    #[test]
    fn every_task_can_be_read_played_and_judged() {
        for name in names() {
            let task = named(name).unwrap().unwrap();
            assert_eq!(task.name, name);
            assert!(task.check.is_some() && !task.title.is_empty());
            for way in &task.ways {
                Scripted::with(&way.turns, &computed).unwrap();
                // No answer stands in the file.
                assert!(way.turns.iter().all(|step| step.answer.is_none()), "{name}");
            }
        }
        let activity = named("activity").unwrap().unwrap();
        assert!(activity.check.unwrap().is_right(&right_answer().to_string()));
        assert_eq!(activity.prompt, include_str!("../prompts/task.md").trim_end());
        assert!(named("nothing").is_none());
    }

    #[test]
    fn answers_are_those_of_the_pages_that_came_and_of_no_others() {
        let exchange = |calls: &[(&str, Value, String, bool)]| {
            let uses = calls.iter().map(|(name, input, ..)| ToolUse {
                name: (*name).to_owned(),
                input: input.clone(),
                ..ToolUse::default()
            });
            let answers = calls
                .iter()
                .map(|(.., text, is_error)| ToolAnswer { text: text.clone(), is_error: *is_error });
            let turn = Turn { calls: uses.collect(), ..Turn::default() };
            let messages = vec![Message::Assistant(turn), Message::Results(answers.collect())];
            Conversation { messages, ..Conversation::default() }
        };
        let page = |asked: i64, came: i64| {
            let text = serde_json::to_string(&data::chunk(came).unwrap()).unwrap();
            ("get_data_chunk", json!({ "page": asked }), text, false)
        };
        let total = || ("get_total_pages", json!({}), "30".to_owned(), false);
        let compute = |name: &str, calls: &[_]| computed(name).unwrap()(&exchange(calls));
        let three = [page(1, 1), page(2, 2), page(3, 3)];
        assert_eq!(compute("failures", &three).unwrap(), r#"{"failures":7}"#);
        assert_eq!(compute("failures", &three[..2]).unwrap_err(), "page 3 is not among the answers");
        assert!(
            compute("failures", &[page(1, 1), page(2, 2), page(3, 4)]).is_err(),
            "another page than was asked for"
        );
        let failed = ("get_data_chunk", json!({ "page": 3 }), page(3, 3).2, true);
        assert!(compute("failures", &[page(1, 1), page(2, 2), failed]).is_err());
        assert_eq!(compute("pages", &[total()]).unwrap(), "30");
        let mut all: Vec<_> = (1..=30).map(|number| page(number, number)).collect();
        all.push(total());
        assert_eq!(compute("summary", &all).unwrap(), right_answer().to_string());
        assert_eq!(compute("summary", &all[1..]).unwrap_err(), "page 1 is not among the answers");
    }

    #[test]
    fn a_raw_page_is_right_if_its_records_are_there() {
        let check = named("raw-page").unwrap().unwrap().check.unwrap();
        let page = |number| serde_json::to_string_pretty(&data::chunk(number).unwrap()).unwrap();
        assert!(check.is_right(&page(3)));
        for wrong in [
            page(2).replace("\"page\": 2", "\"page\": 3"),
            r#"{"page":3,"total_pages":30}"#.to_owned(),
            // Whoever knows how the first and the last record look has not read the page.
            r#"{"page":3,"total_pages":30,"records":["2026-01-01T03:40:00Z","2026-01-01T05:19:00Z"]}"#
                .to_owned(),
            page(3).replace("user_4", "user_5"),
        ] {
            assert!(!check.is_right(&wrong), "{wrong}");
        }
    }
}
