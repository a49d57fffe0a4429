//! `outboard policy show`: per upstream how many of its tools run, ask, are denied or depend on the call, and for named
//! ones which and why; and rules that have no effect. Upstreams whose tools are known from earlier are not started.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use outboard_runtime::{catalogue::Member, policy::Policy as _};
use serde_json::json;

use super::{
    super::{
        context::Context,
        list::named,
        outlook::{Outlook, of_tools},
        waiting::{self, Wait},
    },
    catalogs, write,
};
use crate::report::{self, Cell, Failure, Table, USAGE, escaped};

/// Options of `outboard policy show`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Show {
    /// The upstreams of which every tool is shown
    #[arg(value_name = "UPSTREAM")]
    names: Vec<String>,
    /// Judge saved replies to `tools/list` instead: a file, or a directory of files
    #[arg(long, value_name = "PATH", conflicts_with = "names")]
    catalog: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// The longest wait for upstreams of which nothing is known yet.
const FIRST: Duration = Duration::from_secs(30);

impl Show {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let context = Context::load()?;
        let policy = &context.configuration.settings.policy;
        if let Some(path) = &self.catalog {
            return catalogs::show(policy, path, self.json);
        }
        let snapshot = context
            .with(&waiting::is_unlisted, async |system, stop| {
                let wait = Wait { pending: &waiting::is_unlisted, patience: FIRST };
                waiting::wait(system.runtime.catalogue(), wait, &stop, |_| ()).await
            })
            .await?;
        for name in &self.names {
            if snapshot.member(name).is_none() {
                let there: Vec<String> = snapshot.members().iter().map(|one| named(one)).collect();
                return Err(Failure::new(format_args!("no upstream has the name `{}`", escaped(name)))
                    .hint(format_args!("there are: {}", there.join(", ")))
                    .code(USAGE));
            }
        }
        let asked = |member: &Member| {
            let is =
                |name: &String| *name == *member.upstream.as_str() || *name == *member.namespace.as_str();
            self.names.is_empty() || self.names.iter().any(is)
        };
        let members = snapshot.members().iter().filter(|member| asked(member));
        let rows: Vec<(&Member, Outlook)> =
            members.map(|member| (&**member, of_tools(policy, member))).collect();
        let idle = write::idle_rules(&policy.text().rules, &snapshot);
        if self.json {
            let warnings: Vec<_> =
                idle.iter().map(|(place, what)| json!({"rule": place, "warning": what})).collect();
            let upstreams = rows.iter().map(|(member, outlook)| {
                json!({"name": member.upstream, "standing": standing(member), "tools": outlook.json()})
            });
            return report::json(&json!({
                "policy": policy.text(), "upstreams": upstreams.collect::<Vec<_>>(), "warnings": warnings,
            }));
        }
        report::line(policy.describe());
        print(&rows);
        if !self.names.is_empty() {
            for (member, outlook) in &rows {
                report::line(named(member));
                for (heading, tools) in outlook.groups() {
                    report::line(format_args!("  {heading} ({}): {}", tools.len(), tools.join(", ")));
                }
            }
        }
        for (place, what) in &idle {
            report::warn(format_args!("rule {}: {what}", place + 1));
        }
        Ok(())
    }
}

/// How the upstream stands with the user.
fn standing(member: &Member) -> &'static str {
    match (&member.terms.accepted, member.terms.trusted) {
        (Some(_), true) => "accepted, trusted",
        (Some(_), false) => "accepted",
        (None, true) => "trusted",
        (None, false) => "not accepted",
    }
}

fn print(rows: &[(&Member, Outlook)]) {
    let mut table = Table::default();
    let heads = ["run", "ask", "denied", "depend"];
    let mut head = vec![Cell::left("upstream"), Cell::left("standing")];
    head.extend(heads.map(Cell::right));
    table.row(head);
    for (member, outlook) in rows {
        let mut row = vec![Cell::left(named(member)), Cell::left(standing(member))];
        row.extend(outlook.counts().map(|count| Cell::right(count.to_string())));
        table.row(row);
    }
    table.print();
    let waiting: Vec<String> = rows
        .iter()
        .filter(|(member, _)| member.terms.accepted.is_none() && !member.terms.trusted)
        .map(|(member, _)| escaped(member.upstream.as_str()))
        .collect();
    if !waiting.is_empty() {
        report::hint(format_args!(
            "outboard accept shows what {} declare, and accepts it",
            waiting.join(", ")
        ));
    }
}
