//! `outboard import`: shows which servers of the user's clients would come into `outboard.json`, asks, and adds them.
//! It never takes anything out of a client; it says how.

use std::path::Path;

use clap::{Args, builder::PossibleValuesParser};
use serde_json::{Value, json};

use super::{show, surroundings, variable};
use crate::{
    clients::{
        self, Found, Server,
        import::{Candidate, Verdict},
    },
    config::{Entry, FileKind, Places, editing, secrets},
    report::{self, Failure, USAGE, counted},
};

/// Options of `outboard import`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The clients; all of them if none is named
    #[arg(value_name = "CLIENT", value_parser = PossibleValuesParser::new(clients::ALL.map(|client| client.id)))]
    clients: Vec<String>,
    /// Agree to the change beforehand
    #[arg(short, long)]
    yes: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Import {
    pub(super) fn run(self) -> Result<(), Failure> {
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let surroundings = surroundings(&places)?;
        let file = places.user_file();
        let existing = editing::servers(&file).map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
        let mut found = clients::servers(&surroundings);
        found.retain(|found| self.clients.is_empty() || self.clients.iter().any(|id| id == found.client.id));
        for found in &found {
            if let Err(problem) = &found.servers {
                report::warn(format_args!("{}: could not {}", found.client.title, report::chain(problem)));
                report::hint_of(problem).iter().for_each(report::hint);
            }
        }
        let program = std::env::current_exe().and_then(std::fs::canonicalize).ok();
        let plan = clients::import::plan(&clients::import::readable(&found), &existing, program.as_deref());
        if !self.json {
            plan.iter().for_each(show_candidate);
        }
        let additions: Vec<(&str, &Value)> = plan
            .iter()
            .filter_map(|candidate| match &candidate.verdict {
                Verdict::Add { name, entry } => Some((name.as_str(), entry)),
                _ => None,
            })
            .collect();
        let mut written = false;
        if additions.is_empty() {
            self.say(if plan.is_empty() { "no client here has a server" } else { "there is nothing to add" });
        } else if show::agreed(self.yes, &format!("Add {} to {}?", servers(additions.len()), file.display()))?
        {
            let unusable = editing::add_all(&places, &additions)
                .map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
            written = true;
            self.say(format_args!("{} added to {}", servers(additions.len()), file.display()));
            if !self.json {
                report::hint("their calls ask until you have seen what they declare: outboard accept");
            }
            if let Some(problem) = unusable {
                report::warn_of(&problem);
            }
        }
        if self.json {
            let facts: Vec<Value> = plan.iter().map(fact).collect();
            let unread = found.iter().filter_map(|found| {
                let problem = found.servers.as_ref().err()?;
                Some(json!({"client": found.client.id, "file": found.file, "reason": report::chain(problem)}))
            });
            let unread: Vec<Value> = unread.collect();
            report::line(json!({"file": file, "written": written, "servers": facts, "unread": unread}));
        } else if written {
            tell_of_literals(&additions);
        }
        if !self.json {
            tell_of_differences(&plan, &file);
        }
        if !self.json && (written || additions.is_empty()) {
            tell_what_comes_next(&plan, &found, program.as_deref());
        }
        Ok(())
    }

    /// A line for a person, when no program reads along.
    fn say(&self, text: impl std::fmt::Display) {
        if !self.json {
            report::line(text);
        }
    }
}

fn show_candidate(candidate: &Candidate) {
    let from = format!("`{}` of {}", show::escaped(&candidate.server.name), candidate.client);
    match &candidate.verdict {
        Verdict::Add { name, entry } => {
            let as_name =
                if *name == candidate.server.name { String::new() } else { format!(" as `{name}`") };
            let off = if candidate.server.disabled { ", switched off as it is there" } else { "" };
            report::line(format_args!("+ {from}{as_name}{off}"));
            if let Ok(entry) = Entry::parse(&secrets::masked(entry), FileKind::User) {
                show::entry(name, &entry);
            }
            for note in &candidate.server.notes {
                report::line(format_args!("    note: {}", show::escaped(note)));
            }
        }
        Verdict::Same { name, differences } => {
            report::line(format_args!("= {from} is there already, as `{}`", show::escaped(name)));
            for difference in differences {
                report::line(format_args!("    but {}", show::escaped(difference)));
            }
        }
        Verdict::Skip { reason } => {
            report::line(format_args!("- {from} is left out: {}", show::escaped(reason)));
        }
    }
}

fn fact(candidate: &Candidate) -> Value {
    let mut fact = json!({
        "client": candidate.client, "name": candidate.server.name, "project": candidate.server.project,
        "disabled": candidate.server.disabled, "notes": candidate.server.notes,
    });
    let (action, key, value) = match &candidate.verdict {
        Verdict::Add { name, entry } => {
            fact["entry"] = secrets::masked(entry);
            ("add", "as", name)
        }
        Verdict::Same { name, differences } => {
            fact["differences"] = Value::from(differences.clone());
            ("same", "as", name)
        }
        Verdict::Skip { reason } => ("skip", "reason", reason),
    };
    fact["action"] = Value::from(action);
    fact[key] = Value::from(value.as_str());
    fact
}

fn tell_of_literals(additions: &[(&str, &Value)]) {
    let holding: Vec<String> = additions
        .iter()
        .flat_map(|(name, entry)| {
            secrets::literals(entry).into_iter().map(move |key| format!("{name}.{key}"))
        })
        .collect();
    if !holding.is_empty() {
        report::hint(format_args!(
            "these stand in the file as they are; put them into variables and write ${{VAR}}: {}",
            holding.join(", ")
        ));
    }
}

/// Nothing that stands in the user's file is changed by what a client says.
fn tell_of_differences(plan: &[Candidate], file: &Path) {
    let differs = |candidate: &Candidate| matches!(&candidate.verdict, Verdict::Same { differences, .. } if !differences.is_empty());
    if plan.iter().any(differs) {
        report::hint(format_args!(
            "what differs is left as it is here; to change it, edit {}",
            file.display()
        ));
    }
}

/// A client goes on starting these servers itself until a person takes them out there, which is safe once it starts
/// Outboard: said in that order.
fn tell_what_comes_next(plan: &[Candidate], found: &[Found], program: Option<&Path>) {
    let mut without: Vec<&str> = Vec::new();
    let mut taken = Vec::new();
    for candidate in plan {
        if candidate.server.disabled || matches!(candidate.verdict, Verdict::Skip { .. }) {
            continue;
        }
        let holds = |servers: &Vec<Server>| servers.contains(&candidate.server);
        let part = found
            .iter()
            .find(|found| found.client.id == candidate.client && found.servers.as_ref().is_ok_and(holds));
        let Some(part) = part else { continue };
        taken.push(part.client.removal(&candidate.server, &part.file));
        let starts = |server: &Server| !server.disabled && server.is_outboard(program);
        let of_client = found.iter().filter(|found| found.client.id == candidate.client);
        let has_outboard = of_client.flat_map(|found| found.servers.as_ref().ok()).flatten().any(starts);
        if !has_outboard && !without.contains(&candidate.client) {
            without.push(candidate.client);
        }
    }
    if taken.is_empty() {
        return;
    }
    let first = match without.is_empty() {
        true => {
            "these clients start the servers themselves, beside Outboard; take them out there:".to_owned()
        }
        false => format!(
            "next, outboard install {}; once that works, take the servers out there, which the clients start beside \
             Outboard until then:",
            without.join(" ")
        ),
    };
    report::hint(first);
    for line in taken {
        report::note(format_args!("  {}", show::escaped(&line)));
    }
}

fn servers(count: usize) -> String {
    counted(count, "server")
}
