//! One upstream as `list` and `doctor` tell of it: how it is reached, what it costs, how it stands.
//! Upstreams' own words are escaped here.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use outboard_agent::{ToolDefinition, billing};
use outboard_oauth::Store;
use outboard_runtime::catalogue::{Listing, Member, UpstreamState};
use serde_json::{Value, json};

use super::logins::{self, SignIn};
use crate::{
    config::{Configured, Transport},
    report::{Cell, escaped},
};

/// One upstream with the figures of a report.
pub(super) struct Standing<'a> {
    pub(super) configured: &'a Configured,
    pub(super) member: &'a Member,
    /// Its tools, if they are known.
    pub(super) tools: Option<usize>,
    /// What they cost a client that loads them all.
    pub(super) tokens: Option<usize>,
    /// Whether a person is signed in, if the entry wants that.
    pub(super) sign_in: Option<SignIn>,
}

impl<'a> Standing<'a> {
    pub(super) fn of(configured: &'a Configured, member: &'a Member, sessions: &Store) -> Self {
        let listing = member.listing.as_deref();
        Self {
            configured,
            member,
            tools: listing.map(|listing| listing.tools.len()),
            tokens: listing.map(direct_tokens),
            sign_in: logins::standing(configured, sessions),
        }
    }

    /// How it stands, in a few words: only the first line of why it failed.
    pub(super) fn state(&self) -> Cell {
        let coloured = |color: AnsiColor| Style::new().fg_color(Some(color.into()));
        match &self.member.state {
            UpstreamState::Ready { took } => match self.sign_in.as_ref().map(SignIn::word) {
                None => Cell::left(format!("ready in {}", short(*took))),
                Some(word) if self.sign_in == Some(SignIn::Good) => {
                    Cell::left(format!("ready in {}, {word}", short(*took)))
                }
                Some(word) => Cell::left(format!("ready in {}, {word}", short(*took)))
                    .styled(coloured(AnsiColor::Yellow)),
            },
            UpstreamState::Asleep | UpstreamState::Starting => {
                Cell::left("starting…").styled(coloured(AnsiColor::Yellow))
            }
            UpstreamState::Failed { reason } => {
                let reason = reason.lines().next().unwrap_or_default().trim_end_matches("stderr ends with:");
                let reason = escaped(reason.trim_end_matches([';', ' ']));
                Cell::left(format!("failed: {reason}")).styled(coloured(AnsiColor::Red))
            }
        }
    }

    /// The same for a machine.
    pub(super) fn json(&self) -> Value {
        let (state, took, reason) = match &self.member.state {
            UpstreamState::Ready { took } => ("ready", Some(millis(*took)), None),
            UpstreamState::Asleep | UpstreamState::Starting => ("starting", None, None),
            UpstreamState::Failed { reason } => ("failed", None, Some(reason)),
        };
        json!({
            "name": self.member.upstream,
            "namespace": self.member.namespace,
            "via": via(self.configured),
            "file": self.configured.file,
            "tools": self.tools,
            "tokens": self.tokens,
            "state": state,
            "tookMs": took,
            "reason": reason,
            "signIn": self.sign_in.as_ref().map(SignIn::word),
        })
    }
}

/// How it is reached.
pub(super) fn via(configured: &Configured) -> &'static str {
    match configured.entry.as_ref().map(|entry| &entry.transport) {
        Ok(Transport::Stdio { .. }) => "stdio",
        Ok(Transport::Http { .. }) => "http",
        Ok(Transport::OpenApi(_)) => "openapi",
        Err(_) => "-",
    }
}

/// Tokens of the definitions before a model of a client that loads all of them, by the formula that `compare` bills by.
pub(super) fn direct_tokens(listing: &Listing) -> usize {
    let definitions = listing.tools.iter().map(|tool| ToolDefinition {
        name: tool.name.as_str().to_owned(),
        description: tool.description.clone().unwrap_or_default(),
        input_schema: tool.input().map_or(Value::Null, |schema| (*schema).clone()),
    });
    definition_tokens(definitions.collect())
}

/// Tokens of tools in a model's every turn.
pub(super) fn definition_tokens(tools: Vec<ToolDefinition>) -> usize {
    let listing = outboard_agent::Listing { tools, instructions: None };
    usize::try_from(billing::count_listing(&listing)).unwrap_or(usize::MAX)
}

/// `41 ms`, `1.2 s`.
pub(super) fn short(duration: Duration) -> String {
    let millis = millis(duration);
    if millis < 1_000 { format!("{millis} ms") } else { format!("{:.1} s", duration.as_secs_f64()) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
