//! Which MCP clients of this user start Outboard, and which of them still load servers that Outboard serves as well:
//! their models pay for those tools twice. It reads the clients' files and changes none.

use serde_json::{Value, json};

use super::{
    super::{context::Context, surroundings},
    Findings,
};
use crate::{
    clients::{self, Found, Server},
    config::{ConfigFile, Configured, Transport},
    report::{Cell, Table, counted, escaped},
};

/// Tells of every client that has a file.
pub(super) fn examine(context: &Context, findings: &mut Findings) {
    // Without a home directory there are no clients' files.
    let Ok(surroundings) = surroundings(&context.places) else { return };
    let found = clients::servers(&surroundings);
    if !found.is_empty() {
        findings.heading("clients");
    }
    let width = found.iter().map(|found| found.client.title.chars().count()).max().unwrap_or_default();
    let mut facts = Vec::new();
    let mut is_started = project_starts(context);
    for Found { client, file, servers } in &found {
        let shown = escaped(&surroundings.short(file));
        let row = |state: String| {
            let mut table = Table::indented(2).least([width]);
            table.row([Cell::left(client.title), Cell::left(&*shown), Cell::left(state)]);
            findings.rows(&table);
        };
        let servers = match servers {
            Ok(servers) => servers,
            Err(problem) => {
                let why = escaped(&crate::report::chain(problem));
                row(format!("could not {why}"));
                let fix = crate::report::hint_of(problem).unwrap_or_else(|| "look at the file".to_owned());
                findings.problem(
                    format!("{}'s file cannot be used: could not {why}", client.title),
                    escaped(&fix),
                );
                facts.push(json!({"client": client.id, "file": file, "unread": why}));
                continue;
            }
        };
        let active = || servers.iter().filter(|server| !server.disabled);
        let has_outboard = active().any(|server| server.is_outboard(context.program.as_deref()));
        let twice: Vec<(&Server, &str)> = active()
            .filter_map(|server| Some((server, served(server, &context.configuration.upstreams)?)))
            .collect();
        let starts = if has_outboard { "starts Outboard" } else { "does not start Outboard" };
        row(match twice.len() {
            0 => starts.to_owned(),
            count => format!("{starts}, loads {} that Outboard serves", counted(count, "server")),
        });
        is_started |= has_outboard;
        facts.push(json!({
            "client": client.id,
            "file": file,
            "outboard": has_outboard,
            "servers": active().count(),
            "alsoServed": twice.iter().map(|(server, name)| json!({"server": server.name, "upstream": name})).collect::<Vec<_>>(),
        }));
        // Whether someone uses Outboard in this client is theirs to decide; loading a server twice helps nobody.
        if !has_outboard {
            continue;
        }
        for (server, name) in twice {
            findings.problem(
                format!(
                    "{} still loads `{}`, which Outboard serves as `{}`",
                    client.title,
                    escaped(&server.name),
                    escaped(name)
                ),
                format!("take it out there: {}", escaped(&client.removal(server, file))),
            );
        }
    }
    findings.fact("clients", Value::from(facts));
    if !is_started {
        let here: Vec<&str> = found.iter().map(|found| found.client.id).collect();
        findings.told(
            "no client starts Outboard, as far as can be seen here".to_owned(),
            match here.first() {
                Some(client) => format!("put it into one: outboard install {client}"),
                None => {
                    "put it into one: outboard install CLIENT; outboard install --list names them".to_owned()
                }
            },
        );
    }
}

/// Whether a file of this project, which clients read too, starts Outboard.
fn project_starts(context: &Context) -> bool {
    let files = context.places.project_files(&context.directory);
    let read = files.into_iter().filter_map(|file| ConfigFile::examine(&file.path, file.kind).ok());
    read.flat_map(|examined| examined.file.entries.into_values().flatten())
        .any(|entry| entry.is_outboard(context.program.as_deref()))
}

/// The upstream that is the same server, whatever it is called and given.
fn served<'a>(server: &Server, upstreams: &'a [Configured]) -> Option<&'a str> {
    let entry = server.parsed().ok()?;
    let same = |upstream: &&Configured| {
        upstream.entry.as_ref().is_ok_and(|own| is_same(&own.transport, &entry.transport))
    };
    upstreams.iter().find(same).map(|upstream| upstream.name.as_str())
}

fn is_same(one: &Transport, other: &Transport) -> bool {
    match (one, other) {
        (
            Transport::Stdio { command, args, .. },
            Transport::Stdio { command: other_command, args: other_args, .. },
        ) => command == other_command && args == other_args,
        (Transport::Http { url, .. }, Transport::Http { url: other, .. }) => {
            url.trim_end_matches('/') == other.trim_end_matches('/')
        }
        _ => false,
    }
}
