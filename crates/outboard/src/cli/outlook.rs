//! What would become of calls of an upstream's tools by the policy in force: which run, ask, are denied, or depend on
//! what they are called with. It judges as the gate does and calls nothing.

use std::collections::BTreeMap;

use outboard_runtime::{catalogue::Member, json::Json, policy::Rulebook};
use serde_json::{Value, json};

use crate::report::escaped;

/// What would become of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fate {
    Runs,
    Asks,
    Denied,
    /// A rule looks at more than names.
    Depends,
}

/// The tools of one upstream with what would become of calls.
#[derive(Debug, Default)]
pub(super) struct Outlook {
    tools: Vec<Tool>,
}

#[derive(Debug)]
struct Tool {
    name: String,
    fate: Fate,
    why: String,
}

impl Fate {
    fn heading(self) -> &'static str {
        match self {
            Self::Runs => "run",
            Self::Asks => "ask",
            Self::Denied => "are denied",
            Self::Depends => "depend on the call",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Runs => "allow",
            Self::Asks => "ask",
            Self::Denied => "deny",
            Self::Depends => "depends",
        }
    }
}

/// What would become of calls of this upstream's tools.
pub(super) fn of_tools(policy: &Rulebook, member: &Member) -> Outlook {
    let tools = member.resolved().map(|resolved| {
        let operation = resolved.call(Json::null());
        let (verdict, may) = policy.outlook(&resolved.facts(&operation));
        let fate = match verdict.word() {
            _ if !may.is_empty() => Fate::Depends,
            "allow" => Fate::Runs,
            "deny" => Fate::Denied,
            _ => Fate::Asks,
        };
        let places = || may.iter().map(|place| (place + 1).to_string()).collect::<Vec<_>>().join(", ");
        let why = match fate {
            Fate::Depends => format!("rule {}, else {}: {}", places(), verdict.word(), verdict.reason()),
            _ => verdict.reason().to_string(),
        };
        Tool { name: resolved.identifier.to_owned(), fate, why }
    });
    Outlook { tools: tools.collect() }
}

impl Outlook {
    /// How many there are of each: run, ask, denied, depending.
    pub(super) fn counts(&self) -> [usize; 4] {
        [Fate::Runs, Fate::Asks, Fate::Denied, Fate::Depends]
            .map(|fate| self.tools.iter().filter(|tool| tool.fate == fate).count())
    }

    /// The names of the tools by what becomes of them and why, with a heading each.
    pub(super) fn groups(&self) -> Vec<(String, Vec<String>)> {
        let mut groups: BTreeMap<(Fate, &str), Vec<String>> = BTreeMap::new();
        for tool in &self.tools {
            groups.entry((tool.fate, &tool.why)).or_default().push(escaped(&tool.name));
        }
        let heading = |((fate, why), names): ((Fate, &str), Vec<String>)| {
            (format!("{}, because {}", fate.heading(), escaped(why)), names)
        };
        groups.into_iter().map(heading).collect()
    }

    /// All of it for a machine.
    pub(super) fn json(&self) -> Value {
        let tools = self
            .tools
            .iter()
            .map(|tool| json!({"tool": tool.name, "verdict": tool.fate.word(), "reason": tool.why}));
        tools.collect()
    }
}
