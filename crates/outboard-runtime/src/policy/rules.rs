//! The user's rules: which operations each is about, and what it says of them. The first that matches decides.
//! Rules are read once; what is wrong with one is found then. They come from the user's own configuration only, and
//! what they judge is hostile.

mod bounds;
mod comparison;
mod condition;
mod variables;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use globset::{GlobBuilder, GlobMatcher};
use outboard_declare::names;
use serde::Serialize;

use super::{Decider, Facts, Reason, Verdict};
use crate::operation::Kind;
use condition::{Condition, Held};
use variables::Variables;

/// Rules at most.
const RULES: usize = 1_000;
/// Patterns of one rule or limit at most, and bytes of one.
const PATTERNS: usize = 1_000;
const PATTERN_BYTES: usize = 1_024;
/// Characters of a rule's reason.
const REASON: usize = 500;
/// Names for which it is remembered which rules can be about them.
const REMEMBERED: usize = 10_000;

/// What a rule says of what it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Word {
    /// It may be sent.
    Allow,
    /// A person decides.
    Ask,
    /// It may not be sent.
    Deny,
}

/// A rule as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleText {
    /// Patterns over `namespace.tool`: the rule is about calls of these tools. `None`: about everything.
    pub tools: Option<Vec<String>>,
    /// A CEL expression that must hold as well.
    pub when: Option<String>,
    /// What it says.
    pub verdict: Word,
    /// Why, for scripts and people.
    pub reason: Option<String>,
}

/// Something that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct BadRule {
    /// Its place among the rules or the limits.
    pub place: usize,
    /// The part that is wrong: `tools`, `when` or `reason`; empty for the rule itself.
    pub part: &'static str,
    /// What is wrong with it.
    pub what: String,
    /// What to do about it.
    pub hint: String,
}

/// Patterns over the names of tools.
///
/// `*` is any text, `?` one character of ASCII, `[ab]` one of these, `{one,two}` one of those, `\` takes the next
/// character as it is. A tool is meant if its namespace or its upstream's configured name, a dot, and its identifier or
/// its upstream's own name of it match together.
#[derive(Clone, Debug)]
pub(super) struct Patterns(Vec<GlobMatcher>);

/// The rules, ready to judge.
#[derive(Debug)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    /// Which rules can be about a name: what is said of names alone is worked out once for each.
    about: Mutex<HashMap<Name, Arc<[usize]>>>,
}

#[derive(Debug)]
struct Rule {
    tools: Option<Patterns>,
    when: Option<Condition>,
    verdict: Word,
    reason: Option<String>,
}

/// All that rules may say of an operation before its arguments are looked at.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Name {
    kind: Kind,
    upstream: Box<str>,
    namespace: Box<str>,
    name: Box<str>,
    identifier: Box<str>,
}

impl Rules {
    pub(super) fn read(texts: &[RuleText]) -> Result<Self, BadRule> {
        if texts.len() > RULES {
            let what = format!("there are more than {RULES} rules");
            return Err(BadRule { place: RULES, part: "", what, hint: "join some by patterns".to_owned() });
        }
        let rules = texts.iter().enumerate().map(|(place, text)| Rule::read(place, text));
        Ok(Self { rules: rules.collect::<Result<_, _>>()?, about: Mutex::default() })
    }

    /// What the first rule that matches says.
    pub(super) fn judge(&self, facts: &Facts<'_>) -> Option<Verdict> {
        if self.rules.is_empty() {
            return None;
        }
        let variables = Variables::of(facts);
        self.about(facts, &variables).iter().find_map(|&place| self.rules[place].judge(place, &variables))
    }

    /// What the first rule says that looks at names only, and the rules before it that may match.
    pub(super) fn outlook(&self, facts: &Facts<'_>) -> (Option<Verdict>, Vec<usize>) {
        let variables = Variables::of(facts);
        let about = self.about(facts, &variables);
        let looks_further =
            |place: &&usize| self.rules[**place].when.as_ref().is_some_and(Condition::looks_further);
        let may: Vec<usize> = about.iter().take_while(looks_further).copied().collect();
        let decided = about.get(may.len()).and_then(|&place| self.rules[place].judge(place, &variables));
        (decided, may)
    }

    /// The places of the rules that can be about this name, in order.
    fn about(&self, facts: &Facts<'_>, variables: &Variables<'_>) -> Arc<[usize]> {
        let name = Name::of(facts);
        let mut about = self.about.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = about.get(&name) {
            return Arc::clone(known);
        }
        let places = self.rules.iter().enumerate().filter(|(_, rule)| rule.may_be_about(facts, variables));
        let places: Arc<[usize]> = places.map(|(place, _)| place).collect();
        if about.len() >= REMEMBERED {
            about.clear();
        }
        about.insert(name, Arc::clone(&places));
        places
    }
}

impl Name {
    fn of(facts: &Facts<'_>) -> Self {
        let operation = facts.operation;
        Self {
            kind: operation.kind(),
            upstream: operation.upstream().as_str().into(),
            namespace: operation.namespace().as_str().into(),
            name: operation.name().into(),
            identifier: facts.identifier.into(),
        }
    }
}

impl Rule {
    fn read(place: usize, text: &RuleText) -> Result<Self, BadRule> {
        let bad = |part, what: String, hint: &str| BadRule { place, part, what, hint: hint.to_owned() };
        if text.reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON) {
            return Err(bad(
                "reason",
                format!("it has more than {REASON} characters"),
                "say it in a sentence",
            ));
        }
        let tools = text.tools.as_deref().map(Patterns::read).transpose();
        let tools = tools.map_err(|what| bad("tools", what, PATTERN_HINT))?;
        let when = text.when.as_deref().map(Condition::read).transpose();
        let when = when.map_err(|wrong| bad("when", wrong.what, &wrong.hint))?;
        Ok(Self { tools, when, verdict: text.verdict, reason: text.reason.clone() })
    }

    /// Whether it can match an operation of this name, whatever its arguments.
    fn may_be_about(&self, facts: &Facts<'_>, variables: &Variables<'_>) -> bool {
        self.tools.as_ref().is_none_or(|tools| tools.mean(facts, self.verdict != Word::Allow))
            && self.when.as_ref().is_none_or(|when| when.may_hold(variables))
    }

    /// What it says of an operation that it may be about, if it matches.
    fn judge(&self, place: usize, variables: &Variables<'_>) -> Option<Verdict> {
        match self.when.as_ref().map_or(Held::Yes, |when| when.holds(variables)) {
            Held::Yes => Some(self.says(place)),
            Held::No => None,
            Held::Unclear(why) => Some(self.unclear(place, &why)),
        }
    }

    fn says(&self, place: usize) -> Verdict {
        let text = match &self.reason {
            Some(reason) => format!("{reason} (rule {})", place + 1),
            None => format!("rule {} of `policy.rules` says so", place + 1),
        };
        self.verdict.with(Reason::new(Decider::Rule(place), text))
    }

    /// What is said where the condition cannot be worked out: never that it may be sent.
    fn unclear(&self, place: usize, why: &str) -> Verdict {
        let text = format!("rule {} cannot be applied: {why}", place + 1);
        let verdict = if self.verdict == Word::Deny { Word::Deny } else { Word::Ask };
        verdict.with(Reason::new(Decider::Rule(place), text))
    }
}

impl Word {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Ask => "ask",
            Self::Deny => "deny",
        }
    }

    /// The verdict with a reason.
    pub(super) fn with(self, reason: Reason) -> Verdict {
        match self {
            Self::Allow => Verdict::Allow(reason),
            Self::Ask => Verdict::Ask(reason),
            Self::Deny => Verdict::Deny(reason),
        }
    }
}

/// What patterns are made of.
pub(super) const PATTERN_HINT: &str =
    "patterns are over `namespace.tool` and know `*`, `?`, `[ab]`, `{one,two}`, and `\\` before any of these";

impl Patterns {
    pub(super) fn read(texts: &[String]) -> Result<Self, String> {
        if texts.len() > PATTERNS {
            return Err(format!("there are more than {PATTERNS} patterns"));
        }
        let pattern = |text: &String| {
            if text.is_empty() || text.len() > PATTERN_BYTES {
                return Err(format!("a pattern has from 1 to {PATTERN_BYTES} bytes"));
            }
            if text != "*" && !text.contains('.') {
                return Err(format!(
                    "`{text}` has no dot: it names a namespace, or a tool without its namespace"
                ));
            }
            let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build();
            let glob = glob.map_err(|error| format!("`{text}` is no pattern: {}", error.kind()))?;
            Ok(glob.compile_matcher())
        };
        texts.iter().map(pattern).collect::<Result<_, _>>().map(Self)
    }

    /// Whether they mean the tool that is called. Where they hold back, they mean it also by the namespace that its
    /// upstream has if no other one takes that.
    pub(super) fn mean(&self, facts: &Facts<'_>, hold_back: bool) -> bool {
        let Some(original) = facts.operation.tool() else { return false };
        let (namespace, upstream) =
            (facts.operation.namespace().as_str(), facts.operation.upstream().as_str());
        let own = names::identifier(upstream);
        let own = if hold_back { own.as_str() } else { namespace };
        // Of two tools that meet in one identifier one has an ending: who names the identifier means both.
        let plain = names::identifier(original.as_str());
        let mut called: Vec<String> = [facts.identifier, original.as_str(), &plain]
            .iter()
            .flat_map(|tool| [namespace, upstream, own].map(|space| format!("{space}.{tool}")))
            .collect();
        called.sort();
        called.dedup();
        self.0.iter().any(|pattern| called.iter().any(|name| pattern.is_match(name)))
    }
}

#[cfg(test)]
mod tests;
