//! The upstreams, each told of as soon as it answers or fails: how fast, how many tools, and what they would cost a
//! client that loads them all. It waits for nobody.

use std::collections::BTreeSet;

use outboard_oauth::Store;
use outboard_runtime::{
    catalogue::{Snapshot, UpstreamState},
    present::grouped,
};
use serde_json::{Value, json};

use super::{
    super::{
        context::Context,
        list::named,
        logins::SignIn,
        standing::{Standing, via},
        waiting,
    },
    Findings, advice,
};
use crate::{
    config::Configured,
    report::{Cell, Table, counted, escaped, quoted},
    wiring,
};

/// What has been told of, and what has not.
pub(super) struct Upstreams<'a> {
    configured: &'a [Configured],
    sessions: Store,
    told: BTreeSet<&'a str>,
    facts: Vec<Value>,
    tools: usize,
    tokens: usize,
}

impl<'a> Upstreams<'a> {
    pub(super) fn of(context: &'a Context) -> Self {
        let configured = &context.configuration.upstreams;
        let sessions = wiring::sessions(&context.places.state);
        Self { configured, sessions, told: BTreeSet::new(), facts: Vec::new(), tools: 0, tokens: 0 }
    }

    /// Opens the part. That there is none needs mending, unless something that does is the reason.
    pub(super) fn begin(&self, findings: &mut Findings) {
        findings.heading("upstreams");
        if !self.configured.is_empty() {
            return;
        }
        if findings.problems.is_empty() {
            findings.told("no upstream is configured".to_owned(), advice::NO_UPSTREAM.to_owned());
        } else {
            let mut table = Table::indented(2);
            table.row([Cell::left("no upstream is configured")]);
            findings.rows(&table);
        }
    }

    /// Tells of those that have answered or failed; at the end of all patience, of all.
    pub(super) fn look(&mut self, snapshot: &Snapshot, all: bool, findings: &mut Findings) {
        for configured in self.configured {
            let Some(member) = snapshot.member(&configured.name) else { continue };
            let known = !waiting::is_starting(member) || all;
            if known && self.told.insert(&configured.name) {
                self.tell(&Standing::of(configured, member, &self.sessions), findings);
            }
        }
    }

    fn tell(&mut self, standing: &Standing<'_>, findings: &mut Findings) {
        self.tools += standing.tools.unwrap_or_default();
        self.tokens += standing.tokens.unwrap_or_default();
        self.facts.push(standing.json());
        let names = self.configured.iter().map(|upstream| upstream.name.chars().count());
        let mut table = Table::indented(2).least([names.max().unwrap_or_default(), 5, 12, 14]);
        let figure =
            |count: Option<usize>, of: &str| count.map_or_else(String::new, |count| counted(count, of));
        table.row([
            Cell::left(named(standing.member)),
            Cell::left(via(standing.configured)),
            Cell::right(figure(standing.tools, "tool")),
            Cell::right(figure(standing.tokens, "token")),
            standing.state(),
        ]);
        findings.rows(&table);
        let name = escaped(&standing.configured.name);
        match &standing.member.state {
            UpstreamState::Ready { .. } => {
                hidden(standing, findings);
                signed_out(standing, findings);
            }
            UpstreamState::Asleep | UpstreamState::Starting => findings.problem(
                format!("`{name}` has not answered yet"),
                format!("wait longer with --wait, or {}", advice::by_hand(standing.configured)),
            ),
            UpstreamState::Failed { reason } => {
                last_words(reason, findings);
                let first = escaped(reason.lines().next().unwrap_or_default());
                let first = first.trim_end_matches("stderr ends with:").trim_end_matches([';', ' ']);
                findings.problem(
                    format!("`{name}` failed: {first}"),
                    advice::for_failure(standing.configured, reason),
                );
            }
        }
    }

    pub(super) fn end(self, own: usize, findings: &mut Findings) {
        if self.told.len() > 1 {
            let mut table = Table::indented(2);
            table.row([Cell::left(format!(
                "{}, {} tokens kept out of every request (outboard's own: {})",
                counted(self.tools, "tool"),
                grouped(self.tokens),
                grouped(own)
            ))]);
            findings.rows(&table);
        }
        findings.fact("upstreams", self.facts.into());
        findings.fact("tokens", json!(self.tokens));
        findings.fact("ownTokens", json!(own));
    }
}

/// Tools that are named where none is left.
const NAMED: usize = 5;

/// Tells of patterns that leave none of the upstream's tools.
fn hidden(standing: &Standing<'_>, findings: &mut Findings) {
    let member = standing.member;
    let Some(whole) = &member.whole else { return };
    if standing.tools != Some(0) || whole.tools.is_empty() {
        return;
    }
    let name = escaped(&standing.configured.name);
    let mut names: Vec<String> =
        whole.tools.iter().take(NAMED).map(|tool| escaped(tool.name.as_str())).collect();
    if whole.tools.len() > NAMED {
        names.push("…".to_owned());
    }
    findings.problem(
        format!("`tools` of `{name}` leaves none of its {}", counted(whole.tools.len(), "tool")),
        format!(
            "correct `tools.allow` and `tools.deny` in {}; its tools are: {}",
            standing.configured.file.display(),
            names.join(", ")
        ),
    );
}

/// Tells that a person has to sign in.
fn signed_out(standing: &Standing<'_>, findings: &mut Findings) {
    let Some(sign_in) = standing.sign_in.as_ref().filter(|sign_in| **sign_in != SignIn::Good) else { return };
    let name = &standing.configured.name;
    let why = match sign_in {
        SignIn::Unusable(why) => format!(": could not {}", escaped(why)),
        SignIn::Good | SignIn::Nobody | SignIn::Ended => String::new(),
    };
    findings.problem(
        format!("`{}`: {}{why}", escaped(name), sign_in.word()),
        format!("sign in: outboard login {}", quoted(name)),
    );
}

/// Lines of standard error that are shown.
const LAST_LINES: usize = 8;

/// What the upstream said last, each line set in behind a bar, so that it is not taken for ours.
fn last_words(reason: &str, findings: &Findings) {
    let mut table = Table::indented(4);
    let lines: Vec<&str> = reason.lines().skip(1).collect();
    for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
        table.row([Cell::left(format!("| {}", escaped(line)))]);
    }
    findings.rows(&table);
}
