//! `outboard accept`: shows a person what upstreams claim of their tools, and what has changed since that was accepted,
//! and accepts the definitions that were listed then. Everything shown is escaped: it is the upstreams' word.

use std::{fmt::Write as _, io::IsTerminal as _, sync::Arc, time::Duration};

use clap::Args;
use outboard_runtime::{
    approval,
    catalogue::{Listing, Member, UpstreamState},
    policy::{Difference, Pins},
};

use super::{
    context::Context,
    names,
    outlook::{Outlook, of_tools},
    show::{self, escaped},
    waiting::{self, Wait},
};
use crate::{
    accepted::Acceptances,
    config::{Configured, Entry},
    report::{self, Failure, USAGE, counted},
};

/// The longest wait for the upstreams: longer than they may take to connect.
const START: Duration = Duration::from_secs(90);

/// Options of `outboard accept`.
#[derive(Debug, Args)]
#[command(after_help = "\
Until an upstream is accepted, what it declares of its tools counts for nothing, and every call of it asks.
Accepting starts it, shows what it says of its tools, and remembers all of it: one that changes later asks again.")]
pub(super) struct Accept {
    /// The upstreams; all that were not accepted as they are now, if none is named
    #[arg(value_name = "UPSTREAM")]
    names: Vec<String>,
    /// Only show what there is to accept
    #[arg(long, conflicts_with_all = ["hash", "revoke"])]
    show: bool,
    /// Accept, without asking, the named upstream if its tools have this hash (`--show` prints it)
    #[arg(long, value_name = "SHA256", requires = "names")]
    hash: Vec<String>,
    /// Take acceptance back
    #[arg(long, conflicts_with = "hash")]
    revoke: bool,
}

impl Accept {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let context = Context::load()?;
        let acceptances = Acceptances::at(&context.places.state);
        let upstreams = self.upstreams(&context)?;
        if self.revoke {
            return self.take_back(&acceptances, &upstreams);
        }
        let meant = |member: &Member| {
            upstreams.iter().any(|(configured, _)| configured.name == member.upstream.as_str())
        };
        let snapshot = context
            .with(&meant, async |system, stop| {
                let pending = |member: &Member| meant(member) && waiting::is_starting(member);
                let wait = Wait { pending: &pending, patience: START };
                waiting::wait(system.runtime.catalogue(), wait, &stop, |_| ()).await
            })
            .await?;
        let mut done = Done::default();
        for (configured, entry) in &upstreams {
            let Some(member) = snapshot.member(&configured.name) else { continue };
            self.one(&context, &acceptances, (configured, entry), member, &mut done)?;
        }
        done.told(&self)
    }

    /// The upstreams that are named, or all, each with its entry.
    fn upstreams<'a>(&self, context: &'a Context) -> Result<Vec<(&'a Configured, &'a Entry)>, Failure> {
        let all = &context.configuration.upstreams;
        for name in &self.names {
            if !all.iter().any(|configured| configured.name == *name) {
                let there: Vec<String> = all.iter().map(|configured| escaped(&configured.name)).collect();
                return Err(Failure::new(format_args!("no upstream has the name `{}`", escaped(name)))
                    .hint(format_args!("there are: {}", there.join(", ")))
                    .code(USAGE));
            }
        }
        if self.revoke && self.names.is_empty() {
            return Err(Failure::new("say which upstream: outboard accept --revoke UPSTREAM").code(USAGE));
        }
        let meant = all.iter().filter(|one| self.names.is_empty() || self.names.contains(&one.name));
        // An entry that is wrong is told of by what starts upstreams.
        Ok(meant.filter_map(|one| Some((one, one.entry.as_ref().ok()?))).collect())
    }

    fn take_back(
        &self,
        acceptances: &Acceptances,
        upstreams: &[(&Configured, &Entry)],
    ) -> Result<(), Failure> {
        for (configured, entry) in upstreams {
            let was =
                acceptances.revoke(&configured.name, entry).map_err(|error| Failure::could_not(&error))?;
            let became = if was { "is not accepted any more" } else { "was not accepted" };
            report::line(format_args!("{}: {became}", escaped(&configured.name)));
        }
        Ok(())
    }

    /// Shows one upstream and, if a person says so, accepts it.
    fn one(
        &self,
        context: &Context,
        acceptances: &Acceptances,
        (configured, entry): (&Configured, &Entry),
        member: &Member,
        done: &mut Done,
    ) -> Result<(), Failure> {
        let name = escaped(&configured.name);
        // Only what it says now can be accepted, not what it said at an earlier start.
        let (Some(listing), UpstreamState::Ready { .. }) = (&member.whole, &member.state) else {
            report::warn(names::unavailable(member));
            done.failed += 1;
            return Ok(());
        };
        let before = acceptances.read(&configured.name, entry).map_err(|error| Failure::could_not(&error))?;
        let hash = Pins::of(listing).hash();
        let differences = before.as_ref().map(|before| Difference::between(before, listing));
        if differences.as_ref().is_some_and(Vec::is_empty) {
            done.current += 1;
            if !self.names.is_empty() || self.show {
                report::line(format_args!(
                    "{name} is accepted as it is: {}",
                    counted(listing.tools.len(), "tool")
                ));
            }
            return Ok(());
        }
        report::line(format_args!("{name}, {}, sha256 {hash}", counted(listing.tools.len(), "tool")));
        show::entry(&configured.name, entry);
        match &differences {
            Some(differences) => show_differences(differences, listing),
            None => {
                show_claims(&of_tools(&context.configuration.settings.policy, &accepted(member)));
                show_tools(member, listing);
            }
        }
        if self.show {
            done.shown += 1;
            return Ok(());
        }
        if self.agrees(&name, &hash)? {
            acceptances
                .accept(&configured.name, entry, listing)
                .map_err(|error| Failure::could_not(&error))?;
            report::line(format_args!("{name}: accepted"));
            done.accepted += 1;
        } else {
            done.refused += 1;
        }
        Ok(())
    }

    fn agrees(&self, name: &str, hash: &str) -> Result<bool, Failure> {
        if !self.hash.is_empty() {
            return Ok(self.hash.iter().any(|given| given == hash));
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new("accepting an upstream needs a person at a terminal")
                .hint(format_args!("or say what you have seen: outboard accept {name} --hash {hash}")));
        }
        show::confirmed("Accept these tools as they are now?")
    }
}

/// The upstream as it would be if what it lists now were accepted.
pub(super) fn accepted(member: &Member) -> Member {
    let mut member = member.clone();
    if let Some(whole) = &member.whole {
        let mut terms = (*member.terms).clone();
        terms.accepted = Some(Pins::of(whole).into());
        member = member.on(&terms);
    }
    member
}

/// What became of the upstreams.
#[derive(Default)]
struct Done {
    accepted: usize,
    refused: usize,
    current: usize,
    shown: usize,
    failed: usize,
}

impl Done {
    fn told(&self, asked: &Accept) -> Result<(), Failure> {
        if self.failed > 0 {
            return Err(Failure::new(format_args!(
                "{} could not be asked",
                counted(self.failed, "upstream")
            ))
            .hint("outboard doctor says what to do"));
        }
        if !asked.hash.is_empty() && self.accepted == 0 {
            return Err(Failure::new("no upstream has tools of that hash")
                .hint("outboard accept --show prints the hashes"));
        }
        if self.accepted + self.refused + self.shown == 0 && asked.names.is_empty() {
            report::line(format_args!(
                "nothing to accept: {} as they were accepted",
                counted(self.current, "upstream")
            ));
        }
        Ok(())
    }
}

/// What would run and what would ask, once accepted.
fn show_claims(outlook: &Outlook) {
    for (heading, names) in outlook.groups() {
        if !names.is_empty() {
            report::line(format_args!("  {heading} ({}): {}", names.len(), names.join(", ")));
        }
    }
}

/// Characters of a description that are shown of a tool of which nothing was accepted before.
const BEGINNING: usize = 400;
/// Words of more than one alphabet that are shown of one.
const MIXED: usize = 5;

/// What the upstream says of each tool, also of those that are hidden: the name that it has there, and how its description
/// begins.
fn show_tools(member: &Member, listing: &Listing) {
    report::line("  it says of them:");
    let mut is_cut = false;
    for tool in &listing.tools {
        let own = approval::name(tool.name.as_str());
        let found = member.tool(tool.name.as_str()).filter(|(_, found)| Arc::ptr_eq(found, tool));
        let called = match found {
            Some((identifier, _)) if identifier == tool.name.as_str() => own,
            Some((identifier, _)) => format!("{} (its own name: {own})", approval::name(identifier)),
            None => format!("{own} (hidden by its entry)"),
        };
        let description = tool.description.as_deref().unwrap_or_default();
        // On one line, where nothing is pushed out of sight.
        let line = description.split_whitespace().collect::<Vec<_>>().join(" ");
        is_cut |= line.chars().count() > BEGINNING;
        report::line(format_args!("    {called}: {}", clip(&line, BEGINNING)));
        for word in approval::mixed(description).iter().take(MIXED) {
            report::line(format_args!("      letters of more than one alphabet: {word}"));
        }
    }
    if is_cut {
        report::line("  outboard describe NAMESPACE.TOOL shows all of one");
    }
}

/// Characters of one side of a difference that are shown around what differs.
const SHOWN: usize = 4_000;

fn show_differences(differences: &[Difference], now: &Listing) {
    report::line("  since it was accepted:");
    for difference in differences {
        match difference {
            Difference::Removed(tool) => {
                report::line(format_args!("    - {} is gone", approval::name(tool.as_str())));
            }
            Difference::Added(tool) => {
                let description = now.tools.iter().find(|one| one.name == *tool);
                let description =
                    description.and_then(|tool| tool.description.as_deref()).unwrap_or_default();
                let name = approval::name(tool.as_str());
                report::line(format_args!("    + {name} is new: {}", clip(description, SHOWN)));
            }
            Difference::Changed { tool, parts } => {
                report::line(format_args!("    ~ {} has changed", approval::name(tool.as_str())));
                for (part, old, new) in parts {
                    report::line(format_args!("        its {part}"));
                    report::line(format_args!("        - {}", show::elided(old, new)));
                    report::line(format_args!("        + {}", show::elided(new, old)));
                }
            }
        }
    }
}

fn clip(text: &str, most: usize) -> String {
    let mut shown = escaped(&text.chars().take(most).collect::<String>());
    let left = text.chars().count().saturating_sub(most);
    if left > 0 {
        let _ = write!(shown, " … and {left} characters more");
    }
    shown
}
