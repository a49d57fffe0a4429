//! `outboard install`: shows how a client's own file would change, asks, and writes it; `--undo` takes it back.
//! What a client's file looks like is known in `clients`.

use clap::{Args, builder::PossibleValuesParser};
use serde_json::{Value, json};

use super::{show, surroundings, variable};
use crate::{
    clients::{
        self, Client, Surroundings,
        install::{Change, Outcome, Records},
    },
    config::{ConfigFile, FileKind, Places, named, store::Lock},
    report::{self, FAILED, Failure, USAGE, counted},
};

/// Options of `outboard install`.
#[derive(Debug, Args)]
pub(super) struct Install {
    /// The clients
    #[arg(required_unless_present = "list", value_name = "CLIENT", value_parser = PossibleValuesParser::new(clients::ALL.map(|client| client.id)))]
    clients: Vec<String>,
    /// Take Outboard out of the client again
    #[arg(long)]
    undo: bool,
    /// Agree to the change beforehand
    #[arg(short, long)]
    yes: bool,
    /// Show the clients, their files and whether Outboard is in them
    #[arg(long, conflicts_with_all = ["clients", "undo", "yes"])]
    list: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Install {
    pub(super) fn run(self) -> Result<(), Failure> {
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let surroundings = surroundings(&places)?;
        if self.list {
            return self.list(&surroundings);
        }
        let mut done = Vec::new();
        let mut refused = None;
        for id in &self.clients {
            let Some(client) = clients::named(id) else { continue };
            match self.one(client, &places, &surroundings) {
                Ok(fact) => done.push(fact),
                Err(failure) if self.clients.len() == 1 => return Err(failure),
                // One client costs itself.
                Err(failure) => {
                    report::warn(format_args!("{}: {failure}", client.title));
                    done.push(json!({"client": id, "state": "refused", "error": failure.json()}));
                    refused = Some(failure.told_as("not every client was changed").code(FAILED));
                }
            }
        }
        if self.json {
            report::line(json!({"clients": done}));
        } else {
            let written = done.iter().filter(|fact| fact["state"] == "written");
            let written: Vec<_> =
                written.filter_map(|fact| clients::named(fact["client"].as_str()?)).collect();
            advise(&places, &written);
        }
        refused.map_or(Ok(()), Err)
    }

    /// Does one client and tells what was done.
    fn one(
        &self,
        client: &'static Client,
        places: &Places,
        surroundings: &Surroundings<'_>,
    ) -> Result<Value, Failure> {
        let executable = executable()?;
        let records =
            Records::load(&places.state).map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
        let work_out = if self.undo { clients::install::undo } else { clients::install::install };
        let change = work_out(client, surroundings, &executable, &records)
            .map_err(|problem| Failure::could_not(&problem).code(USAGE))?;
        let file = change.file.clone();
        let fact = |state: &str, lines: &[String]| json!({"client": client.id, "file": file, "state": state, "change": lines});
        let (original, text, renews) = match &change.outcome {
            Outcome::Already { name, off } => {
                let off = if *off { ", but it is switched off there" } else { "" };
                self.say(format_args!(
                    "{} has Outboard already, as `{}`: {}{off}",
                    client.title,
                    show::escaped(name),
                    file.display()
                ));
                return Ok(fact("already", &[]));
            }
            Outcome::Nothing => {
                self.say(format_args!("{} has no Outboard: {}", client.title, file.display()));
                return Ok(fact("nothing", &[]));
            }
            Outcome::Write { original, text, renews, .. } => (original, text, *renews),
        };
        let lines = show::changed_lines(
            &file.display().to_string(),
            original.text(),
            text.as_deref().unwrap_or_default(),
        );
        let removes = text.is_none();
        for line in &lines {
            self.say(line);
        }
        if renews {
            self.say(
                "the entry `outboard` that stands there is renewed; what else was written into it stays",
            );
        }
        if removes {
            self.say("the file goes: Outboard made it and it holds nothing else");
        }
        if !show::agreed(self.yes, &format!("Write this into {}'s file?", client.title))? {
            return Ok(fact("declined", &lines));
        }
        let before = original.text.is_some();
        apply(change, places)?;
        if self.undo {
            self.say(format_args!("{} no longer has Outboard", client.title));
            return Ok(fact("undone", &lines));
        }
        self.say(format_args!("{} now has Outboard; {}", client.title, client.afterwards));
        if !before {
            report::note(format_args!(
                "{} was not there before; is {} installed?",
                file.display(),
                client.title
            ));
        }
        Ok(fact("written", &lines))
    }

    fn list(&self, surroundings: &Surroundings<'_>) -> Result<(), Failure> {
        let executable = executable()?;
        let mut facts = Vec::new();
        for client in clients::ALL {
            let found = client.found(surroundings);
            let file = client.file(surroundings).unwrap_or_default();
            let servers: Vec<_> =
                found.iter().filter_map(|found| found.servers.as_ref().ok()).flatten().collect();
            let problem = found.iter().find_map(|found| found.servers.as_ref().err());
            let ours = servers.iter().any(|server| server.is_outboard(Some(&executable)));
            let state = match (problem, found.is_empty(), ours) {
                (Some(_), ..) => "unreadable",
                (None, true, _) => "no file",
                (None, false, true) => "installed",
                (None, false, false) => "not installed",
            };
            if !self.json {
                let short = show::escaped(&surroundings.short(&file));
                report::line(format_args!(
                    "{:<15} {state:<14} {:>11}  {short}",
                    client.id,
                    counted(servers.len(), "server")
                ));
                if let Some(problem) = problem {
                    report::warn_of(problem);
                }
            }
            facts.push(json!({
                "client": client.id, "title": client.title, "file": file, "state": state, "servers": servers.len(),
                "problem": problem.map(|problem| report::chain(problem)),
            }));
        }
        if self.json {
            report::line(json!({"clients": facts}));
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

/// Says what a person would otherwise find out by failing, once Outboard was written into these clients.
fn advise(places: &Places, written: &[&Client]) {
    let user = places.user_file();
    if written.is_empty() {
        return;
    }
    if !user.exists() {
        report::hint("Outboard has no servers yet: outboard import, or outboard add");
        return;
    }
    // A file that cannot be read is told of when it is used.
    let Ok(configuration) = ConfigFile::read(&user, FileKind::User) else { return };
    let entries = configuration.entries.values().filter_map(|entry| entry.as_ref().ok());
    let mut names: Vec<String> = entries
        .flat_map(|entry| entry.texts().into_iter().flat_map(|(_, text)| named(text)).collect::<Vec<_>>())
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return;
    }
    for client in written {
        if let Some(how) = client.variables {
            report::hint(format_args!(
                "{} hands few variables on; your servers use {}: name them in the entry there {how}",
                client.title,
                names.join(", ")
            ));
        }
    }
}

/// Makes the change, under the lock and with the records as they are then.
fn apply(change: Change, places: &Places) -> Result<(), Failure> {
    let lock = Lock::take(&places.state).map_err(|problem| Failure::could_not(&problem))?;
    let mut records = Records::load(&places.state).map_err(|problem| Failure::could_not(&problem))?;
    change.apply(&lock, &mut records).map_err(|problem| Failure::could_not(&problem))
}

fn executable() -> Result<std::path::PathBuf, Failure> {
    std::env::current_exe().map_err(|error| Failure::could_not(&error))
}
