//! How Outboard behaves, as the user's own file says it: every setting with its range and its default.
//! A value out of range is an error that names the setting and the range; nothing is rounded to fit.

use std::{fmt::Display, ops::RangeInclusive, sync::Arc, time::Duration};

use outboard_face::{FaceOptions, RESPOND_WITHIN};
use outboard_runtime::{limits::Limits, policy::Rulebook, session::Keeping};
use outboard_upstream::LONGEST_MESSAGE;
use serde_json::{Map, Value};

use super::{JournalSettings, WorkspaceSettings, Wrong, journal, policy, workspace, wrong::shown};

/// Tokens that a result may be given.
pub(crate) const RESULT_TOKENS: RangeInclusive<u64> = 100..=200_000;

/// How Outboard behaves. Only the user's own file may say it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// Tokens that the declarations of a small catalogue may take in `execute`'s description.
    pub(crate) declarations: usize,
    /// Tokens of a result when the model does not ask for another number.
    pub(crate) result_tokens: usize,
    /// How long `execute` takes to answer at most; what is not over by then goes on and is resumed.
    pub(crate) respond_within: Duration,
    /// Runs at once; further ones wait.
    pub(crate) runs_at_once: usize,
    /// Runs that may wait; further ones are refused.
    pub(crate) runs_waiting: usize,
    /// The Python engine is loaded at the start, not with the first script that needs it.
    pub(crate) python_ready: bool,
    /// Whether the checkers of types that the machine has are asked, and what their word counts.
    pub(crate) type_check: TypeCheck,
    /// What results look like is learned from them where nothing is declared.
    pub(crate) learn_results: bool,
    /// Limits of each run.
    pub(crate) limits: Limits,
    /// How much is kept for each client.
    pub(crate) keeping: Keeping,
    /// Bytes of one message of an upstream.
    pub(crate) tool_result: usize,
    /// What may run.
    pub(crate) policy: Arc<Rulebook>,
    /// What is recorded of runs, and for how long.
    pub(crate) journal: JournalSettings,
    /// Whether there are workspaces, and what they are.
    pub(crate) workspace: WorkspaceSettings,
}

/// What becomes of a script's types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TypeCheck {
    /// They are checked beside a run where a checker is on the machine; what is wrong is told when the run has failed.
    #[default]
    Beside,
    /// They are checked before a run; a script that is wrong, or that nobody could check, does not run.
    Required,
    /// They are not checked.
    Off,
}

impl TypeCheck {
    const WORDS: [(&'static str, Self); 3] =
        [("beside", Self::Beside), ("required", Self::Required), ("off", Self::Off)];
}

impl Default for Settings {
    fn default() -> Self {
        let face = FaceOptions::default();
        Self {
            declarations: face.declarations_budget,
            result_tokens: face.result_budget,
            respond_within: RESPOND_WITHIN,
            runs_at_once: 64,
            runs_waiting: 1_000,
            python_ready: false,
            type_check: TypeCheck::default(),
            learn_results: true,
            limits: Limits::default(),
            keeping: Keeping::default(),
            tool_result: LONGEST_MESSAGE,
            policy: Arc::default(),
            journal: JournalSettings::default(),
            workspace: WorkspaceSettings::default(),
        }
    }
}

/// The members of a configuration file that are no settings.
const BESIDE: [&str; 2] = ["mcpServers", "$schema"];
const KEYS: [&str; 12] = [
    "declarations",
    "resultTokens",
    "respondWithinSeconds",
    "runsAtOnce",
    "runsWaiting",
    "python",
    "limits",
    "policy",
    "typeCheck",
    "learnResults",
    "journal",
    "workspace",
];
const PYTHON: [&str; 1] = ["ready"];
const LIMITS: [&str; 12] = [
    "wallSeconds",
    "cpuSeconds",
    "callSeconds",
    "memoryMegabytes",
    "calls",
    "concurrentCalls",
    "pendingBytes",
    "toolResultBytes",
    "consoleBytes",
    "valueBytes",
    "keptResults",
    "keptBytes",
];

/// Seconds in a week: longer than any run.
pub(super) const LONGEST: f64 = 604_800.0;
const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;

/// Reads the settings of a whole configuration file. What is wrong keeps its default and is told of.
pub(super) fn read(members: &Map<String, Value>) -> (Settings, Vec<Wrong>) {
    let mut settings = Settings::default();
    let mut wrong = Vec::new();
    let known = [&BESIDE[..], &KEYS[..]].concat();
    for key in members.keys().filter(|key| !known.contains(&key.as_str())) {
        wrong.push(Wrong::unknown(&[key], "a setting", &known));
    }
    let mut reader = Reader { members, parent: None, wrong };
    reader.number(&mut settings.declarations, "declarations", 0..=100_000);
    reader.number(&mut settings.result_tokens, "resultTokens", RESULT_TOKENS);
    reader.seconds(&mut settings.respond_within, "respondWithinSeconds");
    // Every run takes a slot of the sandbox's pool while it is under way.
    reader.number(&mut settings.runs_at_once, "runsAtOnce", 1..=1_000);
    reader.number(&mut settings.runs_waiting, "runsWaiting", 0..=100_000);
    let mut wrong = reader.wrong;
    match members.get("python") {
        None | Some(Value::Null) => {}
        Some(Value::Object(members)) => python(&mut settings, members, &mut wrong),
        Some(other) => {
            let hint = "for example: \"python\": {\"ready\": true}";
            wrong.push(Wrong::mistyped(&["python"], &shown(other), "an object", hint));
        }
    }
    match members.get("typeCheck") {
        None | Some(Value::Null) => {}
        Some(given) => {
            let word = given.as_str();
            match TypeCheck::WORDS.iter().find(|(name, _)| word == Some(*name)) {
                Some((_, known)) => settings.type_check = *known,
                None => {
                    let expected = "\"beside\", \"required\" or \"off\"";
                    let hint = "leave it out for the default, beside";
                    wrong.push(Wrong::mistyped(&["typeCheck"], &shown(given), expected, hint));
                }
            }
        }
    }
    match members.get("learnResults") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(learn)) => settings.learn_results = *learn,
        Some(other) => {
            let hint = "leave it out for the default, true";
            wrong.push(Wrong::mistyped(&["learnResults"], &shown(other), "true or false", hint));
        }
    }
    match members.get("journal") {
        None | Some(Value::Null) => {}
        Some(Value::Object(members)) => settings.journal = journal::read(members, &mut wrong),
        Some(other) => {
            let hint = "for example: \"journal\": {\"keepDays\": 30}";
            wrong.push(Wrong::mistyped(&["journal"], &shown(other), "an object", hint));
        }
    }
    match members.get("workspace") {
        None | Some(Value::Null) => {}
        Some(given) => settings.workspace = workspace::read(given, &mut wrong),
    }
    match members.get("limits") {
        None | Some(Value::Null) => {}
        Some(Value::Object(members)) => limits(&mut settings, members, &mut wrong),
        Some(other) => {
            let hint = "for example: \"limits\": {\"cpuSeconds\": 30}";
            wrong.push(Wrong::mistyped(&["limits"], &shown(other), "an object of limits", hint));
        }
    }
    match members.get("policy").filter(|value| !value.is_null()).map(policy::read) {
        None => {}
        Some(Ok(policy)) => settings.policy = policy,
        Some(Err(of_policy)) => wrong.extend(of_policy),
    }
    (settings, wrong)
}

fn python(settings: &mut Settings, members: &Map<String, Value>, wrong: &mut Vec<Wrong>) {
    for key in members.keys().filter(|key| !PYTHON.contains(&key.as_str())) {
        wrong.push(Wrong::unknown(&["python", key], "a setting", &PYTHON));
    }
    match members.get("ready") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(ready)) => settings.python_ready = *ready,
        Some(other) => {
            let hint = "leave it out for the default, false";
            wrong.push(Wrong::mistyped(&["python", "ready"], &shown(other), "true or false", hint));
        }
    }
}

fn limits(settings: &mut Settings, members: &Map<String, Value>, wrong: &mut Vec<Wrong>) {
    for key in members.keys().filter(|key| !LIMITS.contains(&key.as_str())) {
        wrong.push(Wrong::unknown(&["limits", key], "a setting", &LIMITS));
    }
    let mut reader = Reader { members, parent: Some("limits"), wrong: std::mem::take(wrong) };
    let limits = &mut settings.limits;
    reader.seconds(&mut limits.wall, "wallSeconds");
    reader.seconds(&mut limits.cpu, "cpuSeconds");
    reader.seconds(&mut limits.call, "callSeconds");
    let mut megabytes = limits.memory >> 20;
    reader.number(&mut megabytes, "memoryMegabytes", 16..=2_048);
    limits.memory = megabytes << 20;
    reader.number(&mut limits.calls, "calls", 1..=u32::MAX.into());
    reader.number(&mut limits.concurrent_calls, "concurrentCalls", 1..=100_000);
    reader.number(&mut limits.pending, "pendingBytes", KIB..=16 * GIB);
    reader.number(&mut limits.console, "consoleBytes", 0..=GIB);
    reader.number(&mut limits.value, "valueBytes", 1..=GIB);
    reader.number(&mut settings.tool_result, "toolResultBytes", KIB..=2 * GIB);
    reader.number(&mut settings.keeping.results, "keptResults", 1..=10_000);
    reader.number(&mut settings.keeping.bytes, "keptBytes", 1..=64 * GIB);
    *wrong = reader.wrong;
}

/// Reads the members of one object, and gathers what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) members: &'a Map<String, Value>,
    pub(super) parent: Option<&'static str>,
    pub(super) wrong: Vec<Wrong>,
}

impl Reader<'_> {
    fn seconds(&mut self, into: &mut Duration, key: &'static str) {
        let Some(value) = self.given(key) else { return };
        match value.as_f64().filter(|seconds| (0.001..=LONGEST).contains(seconds)) {
            Some(seconds) => *into = Duration::from_secs_f64(seconds),
            None => self.out_of_range(
                key,
                &format!("a number from 0.001 to {LONGEST}, of seconds"),
                &into.as_secs_f64(),
            ),
        }
    }

    pub(super) fn number<T: TryFrom<u64> + Display + Copy>(
        &mut self,
        into: &mut T,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) {
        let Some(value) = self.given(key) else { return };
        let fits = value.as_u64().filter(|number| range.contains(number));
        match fits.and_then(|number| T::try_from(number).ok()) {
            Some(number) => *into = number,
            None => {
                let expected = format!("a whole number from {} to {}", range.start(), range.end());
                self.out_of_range(key, &expected, into);
            }
        }
    }

    pub(super) fn given(&self, key: &str) -> Option<&Value> {
        self.members.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn out_of_range(&mut self, key: &'static str, expected: &str, default: &dyn Display) {
        let place: Vec<&str> = self.parent.into_iter().chain([key]).collect();
        let found = self.given(key).map(shown).unwrap_or_default();
        let hint = format!("leave it out for the default, {default}");
        self.wrong.push(Wrong::mistyped(&place, &found, expected, hint));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(members: &Value) -> Result<Settings, Vec<Wrong>> {
        let (settings, wrong) = super::read(members.as_object().unwrap());
        if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
    }

    #[test]
    fn every_setting_is_taken_at_both_ends_of_its_range_and_not_beyond() {
        for (name, least, most) in [
            ("declarations", json!(0), json!(100_000)),
            ("resultTokens", json!(100), json!(200_000)),
            ("respondWithinSeconds", json!(0.001), json!(604_800)),
            ("runsAtOnce", json!(1), json!(1_000)),
            ("runsWaiting", json!(0), json!(100_000)),
            ("limits.wallSeconds", json!(0.001), json!(604_800)),
            ("limits.cpuSeconds", json!(0.001), json!(604_800)),
            ("limits.callSeconds", json!(0.001), json!(604_800)),
            ("limits.memoryMegabytes", json!(16), json!(2_048)),
            ("limits.calls", json!(1), json!(u32::MAX)),
            ("limits.concurrentCalls", json!(1), json!(100_000)),
            ("limits.pendingBytes", json!(1_024), json!(16 * GIB)),
            ("limits.toolResultBytes", json!(1_024), json!(2 * GIB)),
            ("limits.consoleBytes", json!(0), json!(GIB)),
            ("limits.valueBytes", json!(1), json!(GIB)),
            ("limits.keptResults", json!(1), json!(10_000)),
            ("limits.keptBytes", json!(1), json!(64 * GIB)),
            ("journal.keepDays", json!(1), json!(36_500)),
            ("journal.keepMegabytes", json!(1), json!(1_048_576)),
            ("workspace.memoryMegabytes", json!(64), json!(1_048_576)),
            ("workspace.diskMegabytes", json!(1), json!(1_048_576)),
            ("workspace.files", json!(100), json!(10_000_000)),
            ("workspace.processes", json!(16), json!(100_000)),
            ("workspace.openFiles", json!(64), json!(1_000_000)),
            ("workspace.cpuSeconds", json!(1), json!(604_800)),
            ("workspace.cpuPercent", json!(5), json!(100_000)),
        ] {
            let written = |value: &Value| match name.split_once('.') {
                Some((outer, inner)) => json!({ outer: { inner: value } }),
                None => json!({ name: value }),
            };
            let taken = [&least, &most].map(|value| read(&written(value)).unwrap());
            assert_ne!(taken[0], taken[1], "{name} does something");
            let beyond = [
                least.as_u64().and_then(|least| least.checked_sub(1)).map(|value| json!(value)),
                Some(json!(most.as_u64().unwrap() + 1)),
                Some(json!(-1)),
                Some(json!("many")),
            ];
            for value in beyond.into_iter().flatten() {
                let [refused] = &read(&written(&value)).unwrap_err()[..] else { panic!("{name}: {value}") };
                let what = &refused.what;
                assert!(what.starts_with(&format!("`{name}` is {value}; it must be a ")), "{what}");
                assert!(what.contains(&format!(" number from {least} to {most}")), "{what}");
                assert!(refused.hint.starts_with("leave it out for the default, "), "{}", refused.hint);
                assert_eq!(refused.place.join("."), name);
            }
        }
        assert!(read(&json!({ "python": { "ready": true } })).unwrap().python_ready);
        for (word, meant) in TypeCheck::WORDS {
            assert_eq!(read(&json!({ "typeCheck": word })).unwrap().type_check, meant);
        }
        assert!(!read(&json!({ "learnResults": false })).unwrap().learn_results);
        let refused = read(&json!({ "learnResults": "no" })).unwrap_err();
        assert_eq!(refused[0].what, "`learnResults` is \"no\"; it must be true or false");
        let refused = read(&json!({ "typeCheck": true })).unwrap_err();
        assert_eq!(refused[0].what, "`typeCheck` is true; it must be \"beside\", \"required\" or \"off\"");
        assert_eq!(read(&json!({ "$schema": "x", "mcpServers": 1, "limits": {} })), Ok(Settings::default()));
    }

    #[test]
    fn every_wrong_setting_is_told_and_keeps_its_default() {
        let members = json!({"limits": {"cpu": 1, "calls": 5}, "mcpServer": {}, "resultTokens": [], "runsAtOnce": 2, "python": {"ready": 1, "warm": true}});
        let (settings, wrong) = super::read(members.as_object().unwrap());
        let told: Vec<_> = wrong.iter().map(|wrong| (wrong.what.as_str(), wrong.hint.as_str())).collect();
        assert_eq!(
            told,
            [
                ("`mcpServer` is not a setting", "did you mean `mcpServers`?"),
                (
                    "`resultTokens` is a list; it must be a whole number from 100 to 200000",
                    "leave it out for the default, 6000"
                ),
                ("`python.warm` is not a setting", "there are: ready"),
                ("`python.ready` is 1; it must be true or false", "leave it out for the default, false"),
                ("`limits.cpu` is not a setting", "did you mean `cpuSeconds`?"),
            ]
        );
        assert_eq!((settings.limits.calls, settings.runs_at_once, settings.result_tokens), (5, 2, 6_000));
    }
}
