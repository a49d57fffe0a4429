//! `outboard workspace`: the workspaces of running sessions, their files in and out, and beginning one anew.
//! The session's own process does what is asked; this only asks it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::variable;
use crate::{
    config::Places,
    report::{self, Cell, Failure, Table, counted, escaped},
    workspace::{Desk, Reply, Request},
};

/// Options of `outboard workspace`.
#[derive(Debug, Args)]
pub(super) struct WorkspaceCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the workspaces, and how each is protected
    List(List),
    /// List the files of a workspace
    Files(Named),
    /// Write all files of a workspace into a new folder
    Export(Export),
    /// Put a file into a workspace
    Put(Put),
    /// Take one file out of a workspace
    Get(Get),
    /// End a workspace with all its files; the session's next command gets a new one
    Reset(Named),
}

#[derive(Debug, Args)]
struct List {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Named {
    /// The workspace, as `outboard workspace list` names it; not needed if there is one
    #[arg(long, short, value_name = "NAME")]
    workspace: Option<String>,
}

#[derive(Debug, Args)]
struct Export {
    /// A folder that is not there yet
    folder: PathBuf,
    #[command(flatten)]
    named: Named,
}

#[derive(Debug, Args)]
struct Put {
    /// The file
    file: PathBuf,
    /// Where, below the agent's home; its own name without it
    path: Option<String>,
    /// It holds nothing sensitive
    #[arg(long)]
    public: bool,
    /// It may carry instructions of others
    #[arg(long)]
    untrusted: bool,
    #[command(flatten)]
    named: Named,
}

#[derive(Debug, Args)]
struct Get {
    /// The file, below the agent's home
    path: String,
    /// Where, in place of nothing; its own name here without it
    file: Option<PathBuf>,
    #[command(flatten)]
    named: Named,
}

impl WorkspaceCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let desk = Desk::at(&places.state);
        match self.what {
            What::List(list) => list.run(&desk).await,
            What::Files(named) => {
                let Reply::Files(files) = named.ask(&desk, &Request::Files).await? else { return Err(odd()) };
                let mut table = Table::default();
                for (path, size, plain) in files {
                    let note = if plain { "" } else { "no plain file" };
                    table.row([Cell::left(escaped(&path)), Cell::right(size.to_string()), Cell::left(note)]);
                }
                table.print();
                Ok(())
            }
            What::Export(export) => {
                let folder = absolute(&export.folder)?;
                let reply = export.named.ask(&desk, &Request::Export { folder }).await?;
                let Reply::Exported { files, bytes, left } = reply else { return Err(odd()) };
                report::line(format_args!(
                    "{}, {bytes} bytes, written to {}",
                    counted(files, "file"),
                    export.folder.display()
                ));
                for (path, why) in left {
                    report::warn(format_args!("{} was left: {why}", escaped(&path)));
                }
                Ok(())
            }
            What::Put(put) => {
                let own = || put.file.file_name().and_then(|name| name.to_str()).map(str::to_owned);
                let path = put.path.clone().or_else(own);
                let path = path.ok_or_else(|| Failure::new("the file has no name to be put under"))?;
                let host = absolute(&put.file)?;
                let request = Request::Put { host, path, private: !put.public, untrusted: put.untrusted };
                put.named.done(&desk, &request).await
            }
            What::Get(get) => {
                let own = || get.path.rsplit('/').next().map(PathBuf::from);
                let host = get.file.clone().or_else(own).unwrap_or_default();
                let request = Request::Get { path: get.path.clone(), host: absolute(&host)? };
                get.named.done(&desk, &request).await
            }
            What::Reset(named) => named.done(&desk, &Request::Reset).await,
        }
    }
}

impl List {
    async fn run(self, desk: &Desk) -> Result<(), Failure> {
        let mut all = Vec::new();
        for name in desk.names() {
            // One may end while it is asked.
            if let Ok(state @ Reply::State { .. }) = desk.ask(&name, &Request::State).await {
                all.push((name, state));
            }
        }
        if self.json {
            let all: Vec<_> =
                all.iter().map(|(name, state)| json!({ "name": name, "state": state })).collect();
            return report::json(&json!({ "workspaces": all }));
        }
        if all.is_empty() {
            report::line("no session has a workspace");
            report::hint(
                "outboard serve --workspace offers `bash`; the workspace is made when it is first used",
            );
        }
        for (name, state) in &all {
            let Reply::State { client, age, in_force, missing } = state else { continue };
            report::line(format_args!(
                "{name}  {}  {age} s old  {} protections",
                escaped(client),
                in_force.len()
            ));
            for (protection, why) in missing {
                report::line(format_args!("  not in force: {protection}: {}", escaped(why)));
            }
        }
        Ok(())
    }
}

impl Named {
    async fn ask(&self, desk: &Desk, request: &Request) -> Result<Reply, Failure> {
        let names = desk.names();
        let name = match (&self.workspace, &names[..]) {
            (Some(name), _) if names.contains(name) => name,
            (Some(name), _) => {
                let failure = Failure::new(format_args!("there is no workspace `{}`", escaped(name)));
                return Err(failure.hint(listed(&names)));
            }
            (None, [only]) => only,
            (None, []) => return Err(Failure::new("no session has a workspace").hint(listed(&names))),
            (None, _) => return Err(Failure::new("there are several workspaces").hint(listed(&names))),
        };
        match desk.ask(name, request).await {
            Ok(Reply::Failed(why)) => Err(Failure::new(escaped(&why))),
            Ok(reply) => Ok(reply),
            Err(error) => Err(Failure::new(format_args!("the workspace does not answer: {error}"))),
        }
    }

    async fn done(&self, desk: &Desk, request: &Request) -> Result<(), Failure> {
        match self.ask(desk, request).await? {
            Reply::Done => Ok(()),
            _ => Err(odd()),
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        "outboard serve --workspace offers `bash`; the workspace is made when it is first used".to_owned()
    } else {
        format!("there are: {}; name one with --workspace", names.join(", "))
    }
}

fn odd() -> Failure {
    Failure::new("the workspace answered something else; is it of another version?")
}

fn absolute(path: &std::path::Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|error| Failure::could_not(&error))
}
