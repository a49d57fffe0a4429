//! A task: what the model is asked, how its answer is checked, and turns that are written down for it. It stands in a file,
//! TOML or Markdown with TOML before it, or is a text. A file names no commands: it may come from a stranger.

mod check;
mod toml;

use serde::{Deserialize, Serialize};

pub use check::Check;

use crate::{harmless, provider::scripted::Step};

/// How a model reaches the tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Every tool as it is, a call at a time.
    Direct,
    /// `search` and `execute`.
    Code,
    /// A shell in a workspace.
    Workspace,
}

impl Mode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Direct, Self::Code, Self::Workspace];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Code => "code",
            Self::Workspace => "workspace",
        }
    }
}

/// Where the tools of a task come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Servers {
    /// Whoever does the task has configured them.
    #[default]
    Configured,
    /// Outboard's own simulated services, and no others.
    Demo,
}

/// A task.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// What it is called in a list.
    #[serde(default)]
    pub name: String,
    /// What it is about, in a line.
    #[serde(default)]
    pub title: String,
    /// What the model is asked.
    #[serde(default)]
    pub prompt: String,
    /// The modes that it is meant for; all without it.
    #[serde(default)]
    pub modes: Vec<Mode>,
    /// Where its tools come from.
    #[serde(default)]
    pub servers: Servers,
    /// How an answer is checked.
    #[serde(default)]
    pub check: Option<Check>,
    /// Turns that are written down, each for one mode.
    #[serde(default)]
    pub ways: Vec<Way>,
}

/// One way of doing a task, turn by turn.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    /// In this mode.
    pub mode: Mode,
    /// What sets it apart from other ways in the same mode.
    #[serde(default)]
    pub name: String,
    /// Its turns.
    pub turns: Vec<Step>,
}

impl Way {
    /// For people: the mode, and what sets it apart.
    pub fn label(&self) -> String {
        label(self.mode, &self.name)
    }
}

/// For people: the mode, and what sets a way apart in it.
pub fn label(mode: Mode, name: &str) -> String {
    if name.is_empty() { mode.as_str().to_owned() } else { format!("{}, {name}", mode.as_str()) }
}

/// A file that holds no task.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read the task: {0}")]
pub struct NoTask(String);

impl Task {
    /// A task that is a text and nothing more.
    pub fn text(prompt: &str) -> Self {
        Self { prompt: prompt.trim().to_owned(), ..Self::default() }
    }

    /// A task in TOML. `file` gives the text of another file beside it, for inputs that are written `{ file = "x" }`.
    ///
    /// # Errors
    /// If it is none; the error says where.
    pub fn toml(text: &str, file: &dyn Fn(&str) -> Result<String, String>) -> Result<Self, NoTask> {
        let wrong = |what: String| NoTask(harmless(&what));
        let value = toml::read(text).map_err(wrong)?;
        let mut task: Self = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
        for call in task.ways.iter_mut().flat_map(|way| &mut way.turns).flat_map(|step| &mut step.calls) {
            toml::fill_in(&mut call.input, file).map_err(wrong)?;
        }
        task.prompt = task.prompt.trim().to_owned();
        if task.prompt.is_empty() {
            return Err(NoTask("it has no `prompt`".to_owned()));
        }
        if let Some(check) = &task.check {
            check.sound().map_err(|what| NoTask(what.to_owned()))?;
        }
        Ok(task)
    }

    /// A task in Markdown: the text is what the model is asked, and TOML between two lines `+++` before it says the rest.
    ///
    /// # Errors
    /// If it is none.
    pub fn markdown(text: &str, file: &dyn Fn(&str) -> Result<String, String>) -> Result<Self, NoTask> {
        let text = text.trim_start_matches('\u{feff}');
        let Some(rest) = text.strip_prefix("+++\n").or_else(|| text.strip_prefix("+++\r\n")) else {
            return if text.trim().is_empty() {
                Err(NoTask("it is empty".to_owned()))
            } else {
                Ok(Self::text(text))
            };
        };
        let mut lines = rest.split_inclusive('\n');
        let head: String = lines.by_ref().take_while(|line| line.trim_end() != "+++").collect();
        if head.len() == rest.len() {
            return Err(NoTask("the head that `+++` begins has no `+++` at its end".to_owned()));
        }
        let body: String = lines.collect();
        let prompt = serde_json::Value::from(body.trim()).to_string();
        // The prompt as TOML: JSON's escapes are TOML's.
        Self::toml(&format!("prompt = {prompt}\n{head}"), file)
    }

    /// Whether it may be done in this mode.
    pub fn is_for(&self, mode: Mode) -> bool {
        self.modes.is_empty() || self.modes.contains(&mode)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn nothing(name: &str) -> Result<String, String> {
        Err(format!("there is no {name}"))
    }

    #[test]
    fn a_task_is_read_from_toml_and_from_markdown() {
        let head = "name = \"t\"\nservers = \"demo\"\n[check]\ncontains = [\"x\"]\n[[ways]]\nmode = \"code\"\nturns = [\n  { calls = [{ tool = \"execute\", input = { code = { file = \"a.ts\" } } }] },\n  { answer_from = \"result\" },\n]\n";
        let file = |name: &str| if name == "a.ts" { Ok("return 1".to_owned()) } else { nothing(name) };
        let from_toml = Task::toml(&format!("prompt = 'How \"many\"?'\n{head}"), &file).unwrap();
        let from_markdown = Task::markdown(&format!("+++\n{head}+++\n\nHow \"many\"?\n"), &file).unwrap();
        assert_eq!(from_toml, from_markdown);
        assert_eq!(from_toml.prompt, "How \"many\"?");
        assert_eq!(from_toml.ways[0].turns[0].calls[0].input, json!({ "code": "return 1" }));
        assert_eq!(Task::markdown("# Do it\n", &nothing).unwrap(), Task::text("# Do it"));
    }

    #[test]
    fn what_only_looks_like_a_file_stays() {
        let any = |_: &str| Ok("read".to_owned());
        for (input, expected) in [
            ("{ file = 'a' }", json!({ "file": "a" })),
            ("{ a = { file = 'a' } }", json!({ "a": "read" })),
            (
                "{ a = [{ file = 'a', b = 1 }, { file = 'a' }] }",
                json!({ "a": [{ "file": "a", "b": 1 }, "read"] }),
            ),
            ("{ a = { literal = { file = '/a' } } }", json!({ "a": { "file": "/a" } })),
            ("{ literal = { file = 'a' } }", json!({ "literal": "read" })),
        ] {
            let way = format!(
                "[[ways]]\nmode = 'code'\nturns = [{{ calls = [{{ tool = 'e', input = {input} }}] }}]"
            );
            let task = Task::toml(&format!("prompt = 'x'\n{way}"), &any).unwrap();
            assert_eq!(task.ways[0].turns[0].calls[0].input, expected, "{input}");
        }
    }

    #[test]
    fn a_file_is_named_without_a_path() {
        let any = |_: &str| Ok("read".to_owned());
        for (name, is_read) in [
            ("a.ts", true),
            ("folder/a.ts", false),
            ("../a.ts", false),
            ("/a.ts", false),
            (".", false),
            ("a/", false),
            ("", false),
        ] {
            let way = format!(
                "[[ways]]\nmode = 'code'\nturns = [{{ calls = [{{ tool = 'e', input = {{ code = {{ file = '{name}' }} }} }}] }}]"
            );
            let read = Task::toml(&format!("prompt = 'x'\n{way}"), &any);
            assert_eq!(read.is_ok(), is_read, "{name}: {read:?}");
        }
    }

    #[test]
    fn what_is_no_task_is_told_with_its_place() {
        for (text, part) in [
            ("prompt = ", "line 1"),
            ("name = 'x'", "no `prompt`"),
            ("prompt = 'x'\ncommand = 'rm'", "unknown field `command`"),
            ("prompt = 'x'\n\"\\u001b[2J\" = 1", "unknown field `\\u{1b}[2J`"),
            ("prompt = 'x'\n\"a\\u202eb\\u200b\" = 1", "unknown field `a\\u{202e}b\\u{200b}`"),
            ("prompt = 'x'\nmodes = ['shell']", "unknown variant `shell`"),
            ("prompt = 'x'\n[check]", "`check`"),
            (
                "prompt = 'x'\n[[ways]]\nmode = 'code'\nturns = [{ calls = [{ tool = 'e', input = { code = { file = '../x' } } }] }]",
                "`../x` is no file beside the task",
            ),
        ] {
            let told = Task::toml(text, &nothing).unwrap_err().to_string();
            assert!(told.contains(part), "{text}: {told}");
        }
        assert!(Task::markdown("+++\nname = 'x'\n", &nothing).unwrap_err().to_string().contains("+++"));
    }
}
