//! `outboard policy allow`, `ask` and `deny`: one rule more in the user's own file, which shows what it changed and says
//! where it changes nothing. It judges nothing; a rule that cannot be used is not written.

use std::collections::BTreeSet;

use clap::Args;
use outboard_runtime::{
    catalogue::Snapshot,
    json::Json,
    policy::{Decider, Facts, PolicyText, RuleText, Rulebook, Word},
};
use serde_json::json;

use super::super::{context::Context, show, variable, waiting};
use crate::{
    config::{Places, editing},
    report::{self, Failure, USAGE, counted},
};

/// Tools that are named of those that another rule decides about.
const NAMED: usize = 5;

/// Options of these commands.
#[derive(Debug, Args)]
pub(in crate::cli) struct Write {
    /// The tools: `namespace.tool`, where `*` is any text
    #[arg(required = true, value_name = "PATTERN")]
    tools: Vec<String>,
    /// Only where this CEL expression holds
    #[arg(long, value_name = "EXPRESSION")]
    when: Option<String>,
    /// Why, for scripts and people
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Put the rule before all others instead of behind them
    #[arg(long)]
    first: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Write {
    pub(super) async fn run(self, verdict: Word) -> Result<(), Failure> {
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let rule = RuleText { tools: Some(self.tools), when: self.when, verdict, reason: self.reason };
        let before = if self.first { Some(0) } else { None };
        let written = editing::add_rule(&places, &rule, before)
            .map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
        let idle = idle(written.place).await;
        let (old, new) = &written.texts;
        let lines = show::changed_lines(&written.file.display().to_string(), old, new);
        if self.json {
            let told = json!({
                "file": written.file, "rule": written.place, "change": lines, "warning": idle,
            });
            return report::json(&told);
        }
        lines.iter().for_each(report::line);
        report::line(format_args!(
            "rule {} of {} now says {} of {}",
            written.place + 1,
            written.file.display(),
            verdict.as_str(),
            show::escaped(&rule.tools.unwrap_or_default().join(", "))
        ));
        if let Some(idle) = &idle {
            report::warn(idle);
        }
        if !self.first && written.place > 0 {
            report::hint(
                "rules before it come first, without --first: outboard policy test says which decides",
            );
        }
        Ok(())
    }
}

/// What the rule that now stands at this place does not do, as far as tools are known. Nothing is started for it, and what
/// cannot be looked at is no reason to complain of a rule that is written.
async fn idle(place: usize) -> Option<String> {
    let context = Context::load_quietly().ok()?;
    let snapshot =
        context.with(&|_| false, async |system, _| Ok(system.runtime.catalogue().snapshot())).await.ok()?;
    let rules = &context.configuration.settings.policy.text().rules;
    told(&denying(rules.get(place..=place)?)?, &denying(rules)?, place, &snapshot).map(|told| told.text)
}

/// The rules about tools that do nothing, as far as tools are known, by their places, and why.
pub(super) fn idle_rules(rules: &[RuleText], snapshot: &Snapshot) -> Vec<(usize, String)> {
    let Some(all) = denying(rules) else { return Vec::new() };
    let about_tools = rules.iter().enumerate().filter(|(_, rule)| rule.tools.is_some());
    let idle = about_tools.filter_map(|(place, rule)| {
        let alone = denying(std::slice::from_ref(rule))?;
        let told = told(&alone, &all, place, snapshot)?;
        (!told.has_effect).then_some((place, told.text))
    });
    idle.collect()
}

/// The rules as if each denied, above which nothing stands: what decides is then the rule that comes first.
fn denying(rules: &[RuleText]) -> Option<Rulebook> {
    let rules = rules.iter().map(|rule| RuleText { verdict: Word::Deny, ..rule.clone() }).collect();
    Rulebook::read(PolicyText { rules, ..PolicyText::default() }).ok()
}

/// What a rule does not do.
struct Told {
    /// Whether it does anything.
    has_effect: bool,
    text: String,
}

/// What `alone`, the rule at this place, does not do among `all`.
fn told(alone: &Rulebook, all: &Rulebook, place: usize, snapshot: &Snapshot) -> Option<Told> {
    let (mut reached, mut passed, mut before) = (0, Vec::new(), BTreeSet::new());
    for member in snapshot.members() {
        for resolved in member.resolved() {
            let operation = resolved.call(Json::null());
            let facts = resolved.facts(&operation);
            if deciding(alone, &facts).is_empty() {
                continue;
            }
            let rules = deciding(all, &facts);
            if rules.contains(&place) {
                reached += 1;
            } else {
                passed.push(show::escaped(&resolved.called()));
                before.extend(rules.last().map(|last| last + 1));
            }
        }
    }
    if passed.is_empty() {
        let unlisted = snapshot.members().iter().filter(|member| waiting::is_unlisted(member)).count();
        let others = match unlisted {
            0 => String::new(),
            number => format!("; {} did not list any yet", counted(number, "upstream")),
        };
        let text = format!("no tool that is known here is meant by it{others}");
        return (reached == 0).then_some(Told { has_effect: false, text });
    }
    let left = passed.len().saturating_sub(NAMED);
    let more = if left > 0 { format!(" and {left} more") } else { String::new() };
    let names = passed.get(..NAMED).unwrap_or(&passed).join(", ");
    let places = before.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let has_effect = reached > 0;
    let effect = if has_effect { "" } else { "it has no effect: " };
    Some(Told { has_effect, text: format!("{effect}before it, rule {places} decides about {names}{more}") })
}

/// The rules that may decide about such a call; the last of them whatever it is called with, if there is one.
fn deciding(policy: &Rulebook, facts: &Facts<'_>) -> Vec<usize> {
    let (verdict, mut rules) = policy.outlook(facts);
    if let Decider::Rule(place) = verdict.reason().by {
        rules.push(place);
    }
    rules
}
