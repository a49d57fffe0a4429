//! The policy of a user's configuration: limits, then the first rule that matches, then what applies without rules.
//! It keeps no counts and knows no upstream; the facts bring both.

use serde::Serialize;

use super::{
    Decider, Facts, Policy, Reason, Verdict,
    defaults::{by_declaration, guarded},
    limits::{Ceilings, LimitText},
    rules::{BadRule, RuleText, Rules, Word},
};

/// A policy as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicyText {
    /// The rules, in the order in which they are tried.
    pub rules: Vec<RuleText>,
    /// What is said where no rule matches, instead of going by what upstreams declare.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Word>,
    /// How often tools may be called.
    pub limits: Vec<LimitText>,
}

/// A policy that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// A rule is wrong.
    #[error(transparent)]
    Rule(BadRule),
    /// A limit is wrong.
    #[error(transparent)]
    Limit(BadRule),
}

/// A policy, ready to judge. See [`super::Defaults`] for what applies where no rule matches.
#[derive(Debug)]
pub struct Rulebook {
    text: PolicyText,
    rules: Rules,
    limits: Ceilings,
}

impl Rulebook {
    /// Reads a policy.
    pub fn read(text: PolicyText) -> Result<Self, BadPolicy> {
        let rules = Rules::read(&text.rules).map_err(BadPolicy::Rule)?;
        let limits = Ceilings::read(&text.limits).map_err(BadPolicy::Limit)?;
        Ok(Self { text, rules, limits })
    }

    /// The policy as it was written.
    pub fn text(&self) -> &PolicyText {
        &self.text
    }

    /// What is said of an operation whatever its arguments: the verdict where no rule that looks at more than names
    /// matches, and the places of the rules that may say otherwise.
    pub fn outlook(&self, facts: &Facts<'_>) -> (Verdict, Vec<usize>) {
        let (decided, may) = self.rules.outlook(facts);
        (guarded(facts, decided.unwrap_or_else(|| self.otherwise(facts))), may)
    }

    fn otherwise(&self, facts: &Facts<'_>) -> Verdict {
        let default = by_declaration(facts);
        let Some(word) = self.text.otherwise else { return default };
        let reason =
            Reason::new(Decider::Otherwise, "no rule decides, and the setting is `policy.otherwise`");
        match (word, default) {
            // What is denied without rules, and what an upstream asks for itself, stays so.
            (_, denied @ Verdict::Deny(_)) => denied,
            (Word::Allow, asks @ Verdict::Ask(_)) if asks.reason().by == Decider::Kind => asks,
            (word, _) => word.with(reason),
        }
    }
}

impl Default for Rulebook {
    fn default() -> Self {
        Self::read(PolicyText::default()).expect("nothing is wrong with nothing")
    }
}

impl PartialEq for Rulebook {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Policy for Rulebook {
    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        if let Some(refusal) = self.limits.refuse(facts) {
            return refusal;
        }
        guarded(facts, self.rules.judge(facts).unwrap_or_else(|| self.otherwise(facts)))
    }

    fn denied_outright(&self, facts: &Facts<'_>) -> Option<Reason> {
        match self.outlook(facts) {
            (Verdict::Deny(reason), may) if may.is_empty() => Some(reason),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        let (rules, limits) = (self.text.rules.len(), self.text.limits.len());
        let otherwise = match self.text.otherwise {
            None => "what accepted upstreams declare read-only runs, all else asks".to_owned(),
            Some(word) => format!("without a rule: {}", word.as_str()),
        };
        format!("{otherwise}; rules: {rules}, limits: {limits}")
    }
}
