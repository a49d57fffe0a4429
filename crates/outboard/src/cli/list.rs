//! `outboard list`: every upstream with how it is reached, what its tools would cost a client that loads them all, and
//! how it stands. It starts all of them and waits for a while.

use std::time::Duration;

use clap::Args;
use outboard_agent::ToolDefinition;
use outboard_face::{FaceOptions, Offer};
use outboard_runtime::{
    catalogue::{Member, Snapshot},
    present::{count_tokens, grouped},
};
use serde_json::{Value, json};

use super::{
    context::Context,
    doctor::advice,
    standing::{Standing, definition_tokens, via},
    waiting::{self, Wait},
};
use crate::{
    config::Configuration,
    report::{self, Cell, Failure, Table, counted, escaped},
    wiring,
};

/// Options of `outboard list`.
#[derive(Debug, Args)]
pub(super) struct List {
    /// Seconds to wait for upstreams that are still starting
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    wait: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let context = Context::load()?;
        let snapshot = context
            .with(&|_| true, async |system, stop| {
                let wait = Wait { pending: &waiting::is_starting, patience: Duration::from_secs(self.wait) };
                waiting::wait(system.runtime.catalogue(), wait, &stop, |_| ()).await
            })
            .await?;
        let configuration = &context.configuration;
        let own = own_tokens(&snapshot, configuration, false);
        let sessions = wiring::sessions(&context.places.state);
        let rows: Vec<Standing<'_>> = configuration
            .upstreams
            .iter()
            .filter_map(|upstream| Some(Standing::of(upstream, snapshot.member(&upstream.name)?, &sessions)))
            .collect();
        if self.json {
            return report::json(&object(&rows, own));
        }
        print(&rows, own);
        Ok(())
    }
}

/// Tokens of what a model is shown of all this by Outboard.
pub(super) fn own_tokens(snapshot: &Snapshot, configuration: &Configuration, workspace: bool) -> usize {
    let tools = offer(snapshot, configuration, workspace).tools.into_iter();
    let definitions = tools.map(|tool| ToolDefinition {
        description: tool.description.as_deref().unwrap_or_default().to_owned(),
        input_schema: Value::Object((*tool.input_schema).clone()),
        name: tool.name.into_owned(),
    });
    definition_tokens(definitions.collect())
}

/// Tokens of what Outboard says of itself beside them.
pub(super) fn own_instructions(snapshot: &Snapshot, configuration: &Configuration, workspace: bool) -> usize {
    count_tokens(&offer(snapshot, configuration, workspace).instructions)
}

fn offer(snapshot: &Snapshot, configuration: &Configuration, workspace: bool) -> Offer {
    let options = FaceOptions {
        declarations_budget: configuration.settings.declarations,
        result_budget: configuration.settings.result_tokens,
        workspace,
        ..FaceOptions::default()
    };
    Offer::new(snapshot, options)
}

fn object(rows: &[Standing<'_>], own: usize) -> Value {
    json!({
        "upstreams": rows.iter().map(Standing::json).collect::<Vec<_>>(),
        "tools": rows.iter().filter_map(|row| row.tools).sum::<usize>(),
        "tokens": rows.iter().filter_map(|row| row.tokens).sum::<usize>(),
        "ownTokens": own,
    })
}

fn print(rows: &[Standing<'_>], own: usize) {
    if rows.is_empty() {
        report::line("no upstream is configured");
        report::hint(advice::NO_UPSTREAM);
        return;
    }
    let mut table = Table::default();
    table.row([
        Cell::left("upstream"),
        Cell::left("via"),
        Cell::right("tools"),
        Cell::right("tokens"),
        Cell::left("state"),
    ]);
    let number = |number: Option<usize>| number.map_or_else(|| "-".to_owned(), grouped);
    for row in rows {
        table.row([
            Cell::left(named(row.member)),
            Cell::left(via(row.configured)),
            Cell::right(number(row.tools)),
            Cell::right(number(row.tokens)),
            row.state(),
        ]);
    }
    table.print();
    let tools: usize = rows.iter().filter_map(|row| row.tools).sum();
    let tokens: usize = rows.iter().filter_map(|row| row.tokens).sum();
    report::line(format_args!(
        "{}, {} tokens kept out of every request (outboard's own: {})",
        counted(tools, "tool"),
        grouped(tokens),
        grouped(own)
    ));
}

/// The upstream by its own name, and by that of scripts where they differ.
pub(super) fn named(member: &Member) -> String {
    let (own, namespace) = (escaped(member.upstream.as_str()), member.namespace.as_str());
    if own == namespace { own } else { format!("{own} (as {namespace})") }
}
