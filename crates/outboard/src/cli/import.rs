//! `outboard import`: shows which servers of the user's clients would come into `outboard.json`, asks, and adds them.
//! It never takes anything out of a client; it says how.

use clap::{Args, builder::PossibleValuesParser};
use serde_json::{Value, json};

use super::{add::failure, show, surroundings, variable};
use crate::{
    clients::{
        self, Found,
        import::{Candidate, Verdict},
    },
    config::{Entry, FileKind, Places, editing, secrets},
    report::{self, Failure, USAGE},
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
            editing::add_all(&places, &additions).map_err(|problem| failure(&problem))?;
            written = true;
            self.say(format_args!("{} added to {}", servers(additions.len()), file.display()));
        }
        if self.json {
            let facts: Vec<Value> = plan.iter().map(fact).collect();
            report::line(json!({"file": file, "written": written, "servers": facts}));
        } else if written {
            tell_of_literals(&additions);
        }
        if !self.json && (written || additions.is_empty()) {
            tell_how_to_remove(&plan, &found);
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
        Verdict::Same { name } => {
            report::line(format_args!("= {from} is there already, as `{}`", show::escaped(name)));
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
        Verdict::Same { name } => ("same", "as", name),
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

/// The clients go on starting these servers themselves until a person takes them out there.
fn tell_how_to_remove(plan: &[Candidate], found: &[Found]) {
    let taken: Vec<String> = plan
        .iter()
        .filter(|candidate| !candidate.server.disabled && !matches!(candidate.verdict, Verdict::Skip { .. }))
        .filter_map(|candidate| {
            let part = found.iter().find(|found| {
                found.client.id == candidate.client
                    && found.servers.as_ref().is_ok_and(|servers| servers.contains(&candidate.server))
            })?;
            Some(part.client.removal(&candidate.server, &part.file))
        })
        .collect();
    if taken.is_empty() {
        return;
    }
    report::hint(
        "these clients still start the servers themselves, beside Outboard; to take them out there:",
    );
    for line in taken {
        report::note(format_args!("  {}", show::escaped(&line)));
    }
}

fn servers(count: usize) -> String {
    if count == 1 { "1 server".to_owned() } else { format!("{count} servers") }
}
