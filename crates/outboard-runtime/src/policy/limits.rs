//! How often a tool may be called, by the user's configuration: each tool that a limit means counts by itself.
//! Counting is the gate's matter.

use serde::Serialize;

use super::{
    Decider, Facts, Reason, Verdict,
    rules::{BadRule, PATTERN_HINT, Patterns},
};

/// Limits at most.
const LIMITS: usize = 1_000;

/// A limit as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LimitText {
    /// Patterns over `namespace.tool`.
    pub tools: Vec<String>,
    /// Calls of one of them in one run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_run: Option<u32>,
    /// Calls of one of them in any hour, of all runs of one Outboard together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<u32>,
}

#[derive(Debug)]
pub(super) struct Ceilings(Vec<(Patterns, LimitText)>);

impl Ceilings {
    pub(super) fn read(texts: &[LimitText]) -> Result<Self, BadRule> {
        if texts.len() > LIMITS {
            let what = format!("there are more than {LIMITS} limits");
            return Err(BadRule { place: LIMITS, part: "", what, hint: "join some by patterns".to_owned() });
        }
        let read = |(place, text): (usize, &LimitText)| {
            let bad = |what| BadRule { place, part: "tools", what, hint: PATTERN_HINT.to_owned() };
            Ok((Patterns::read(&text.tools).map_err(bad)?, text.clone()))
        };
        texts.iter().enumerate().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// The refusal of a call that a limit does not leave room for.
    pub(super) fn refuse(&self, facts: &Facts<'_>) -> Option<Verdict> {
        let over = |most: Option<u32>, count: u32| most.filter(|most| count >= *most);
        self.0.iter().enumerate().find_map(|(place, (tools, limit))| {
            let hit = match (over(limit.per_run, facts.counts.tool), over(limit.per_hour, facts.counts.hour))
            {
                (Some(most), _) => format!("{most} times in a run"),
                (None, Some(most)) => format!("{most} times in an hour"),
                (None, None) => return None,
            };
            let text = format!(
                "{}.{} may be called {hit} (setting `policy.limits`)",
                facts.operation.namespace(),
                facts.identifier
            );
            tools.mean(facts, true).then(|| Verdict::Deny(Reason::new(Decider::Limit(place), text)))
        })
    }
}
