//! What the policy says of saved replies to `tools/list`, each taken for an accepted upstream and for a trusted one: so
//! that a default can be judged before anyone lives with it. It starts nothing.

use std::path::{Path, PathBuf};

use outboard_runtime::{
    catalogue::{Catalogue, Listing, Placing, Terms, ToolDefinition},
    ids::UpstreamName,
    policy::{Pins, Rulebook},
};
use serde_json::{Value, json};

use super::super::outlook::of_tools;
use crate::report::{self, Cell, Failure, Table, USAGE, escaped};

/// One file with what becomes of its tools: accepted, and trusted as well.
struct Row {
    name: String,
    tools: usize,
    /// Tools that cannot be read.
    odd: usize,
    accepted: [usize; 4],
    trusted: [usize; 4],
}

pub(super) fn show(policy: &Rulebook, path: &Path, as_json: bool) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for file in files(path)? {
        let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match read(&file)? {
            Some((listing, odd)) => rows.push(row(policy, name, &listing, odd)),
            // Directories hold other files as well.
            None if path.is_dir() => {}
            None => return Err(no_catalogue(&file)),
        }
    }
    if rows.is_empty() {
        return Err(no_catalogue(path));
    }
    let share = |pick: &dyn Fn(&Row) -> [usize; 4]| {
        rows.iter().map(pick).fold([0; 4], |mut sum, counts| {
            sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            sum
        })
    };
    let (accepted, trusted) = (share(&|row| row.accepted), share(&|row| row.trusted));
    let tools: usize = rows.iter().map(|row| row.tools).sum();
    if as_json {
        let named = |counts: [usize; 4]| json!({"allow": counts[0], "ask": counts[1], "deny": counts[2], "depends": counts[3]});
        let one = |row: &Row| {
            json!({
                "name": row.name, "tools": row.tools, "odd": row.odd,
                "accepted": named(row.accepted), "trusted": named(row.trusted),
            })
        };
        return report::json(&json!({
            "catalogs": rows.iter().map(one).collect::<Vec<_>>(),
            "tools": tools, "accepted": named(accepted), "trusted": named(trusted),
        }));
    }
    let mut table = Table::default();
    let mut head = vec![Cell::left("catalog"), Cell::right("tools")];
    head.extend(["run", "ask", "denied", "depend"].map(Cell::right));
    head.push(Cell::right("run if trusted"));
    table.row(head);
    for row in &rows {
        let mut cells = vec![Cell::left(escaped(&row.name)), Cell::right(row.tools.to_string())];
        cells.extend(row.accepted.map(|count| Cell::right(count.to_string())));
        cells.push(Cell::right(row.trusted[0].to_string()));
        table.row(cells);
    }
    table.print();
    let percent = |count: usize| (count * 100 + tools / 2).checked_div(tools).unwrap_or_default();
    report::line(format_args!(
        "of {tools} tools, once accepted: {} % run, {} % ask, {} % are denied, {} % depend on the call; trusted: {} % run",
        percent(accepted[0]),
        percent(accepted[1]),
        percent(accepted[2]),
        percent(accepted[3]),
        percent(trusted[0]),
    ));
    Ok(())
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format_args!("could not read {}: {error}", path.display())).code(USAGE)
    };
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "json") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

/// The tools of a saved reply and how many of them cannot be read; `None` if it is no such reply.
fn read(file: &Path) -> Result<Option<(Listing, usize)>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::new(format_args!("could not read {}: {error}", file.display())).code(USAGE)
    })?;
    let Ok(reply) = serde_json::from_str::<Value>(&text) else { return Ok(None) };
    let tools = reply.get("tools").or_else(|| reply.get("result").and_then(|result| result.get("tools")));
    let Some(tools) = tools.and_then(Value::as_array) else { return Ok(None) };
    let read: Vec<ToolDefinition> =
        tools.iter().filter_map(|tool| serde_json::from_value(tool.clone()).ok()).collect();
    let odd = tools.len() - read.len();
    Ok(Some((Listing { tools: read.into_iter().map(Into::into).collect(), ..Listing::default() }, odd)))
}

fn row(policy: &Rulebook, name: String, listing: &Listing, odd: usize) -> Row {
    let counts = |trusted| {
        let upstream = UpstreamName::new(name.as_str());
        let catalogue = Catalogue::new([]);
        let terms = Terms { trusted, accepted: Some(Pins::of(listing).into()), ..Terms::default() };
        catalogue.arrange([Placing { terms, ..Placing::new(upstream.clone()) }]);
        catalogue.publish(&upstream, listing.clone());
        let snapshot = catalogue.snapshot();
        snapshot.member(&name).map(|member| of_tools(policy, member).counts()).unwrap_or_default()
    };
    Row { tools: listing.tools.len(), odd, accepted: counts(false), trusted: counts(true), name }
}

fn no_catalogue(path: &Path) -> Failure {
    Failure::new(format_args!("{} holds no reply to `tools/list`", path.display()))
        .hint("such a file is an object with `tools`, or a directory holds some that end in .json")
        .code(USAGE)
}
