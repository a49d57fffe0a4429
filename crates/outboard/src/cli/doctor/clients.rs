//! Which MCP clients of this user start Outboard, and which of them still load servers that Outboard serves as well:
//! their models pay for those tools twice. It reads the clients' files and changes none.

use serde_json::{Value, json};

use super::{
    super::{context::Context, surroundings},
    Findings,
};
use crate::{
    clients::{self, Found, Server},
    config::{Configured, Transport},
    report::{Cell, Table, escaped},
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
            1 => format!("{starts}, loads 1 server that Outboard serves"),
            count => format!("{starts}, loads {count} servers that Outboard serves"),
        });
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
