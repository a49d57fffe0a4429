//! `outboard policy allow`, `ask` and `deny`: one rule more in the user's own file, which shows what it changed.
//! It judges nothing; a rule that cannot be used is not written.

use clap::Args;
use outboard_runtime::policy::{RuleText, Word};
use serde_json::json;

use super::super::{show, variable};
use crate::{
    config::{Places, editing},
    report::{self, Failure, USAGE},
};

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
    pub(super) fn run(self, verdict: Word) -> Result<(), Failure> {
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let rule = RuleText { tools: Some(self.tools), when: self.when, verdict, reason: self.reason };
        let before = if self.first { Some(0) } else { None };
        let written = editing::add_rule(&places, &rule, before)
            .map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
        let (old, new) = &written.texts;
        let lines = show::changed_lines(&written.file.display().to_string(), old, new);
        if self.json {
            return report::json(&json!({"file": written.file, "rule": written.place, "change": lines}));
        }
        lines.iter().for_each(report::line);
        report::line(format_args!(
            "rule {} of {} now says {} of {}",
            written.place + 1,
            written.file.display(),
            verdict.as_str(),
            show::escaped(&rule.tools.unwrap_or_default().join(", "))
        ));
        if !self.first && written.place > 0 {
            report::hint("rules before it come first: outboard policy test says which decides");
        }
        Ok(())
    }
}
