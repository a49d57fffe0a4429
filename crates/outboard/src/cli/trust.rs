//! `outboard trust`: shows a person what a project's files would start and accepts them by hash.
//! Everything shown is escaped: the files are a stranger's.

use std::{io::IsTerminal as _, path::PathBuf};

use clap::Args;
use outboard_runtime::policy::{PolicyText, Word};

use super::{
    show::{self, escaped},
    variable,
};
use crate::{
    config::{ConfigFile, FileKind, Places},
    report::{self, Failure, USAGE},
    trust::Trust,
};

/// Options of `outboard trust`.
#[derive(Debug, Args)]
pub(super) struct TrustCommand {
    /// The project's directory
    #[arg(default_value = ".")]
    directory: PathBuf,
    /// Only show what the files would start
    #[arg(long, conflicts_with_all = ["accept", "revoke"])]
    show: bool,
    /// Accept, without asking, a file whose content has this hash (`--show` prints it)
    #[arg(long, value_name = "SHA256")]
    accept: Vec<String>,
    /// Take acceptance back
    #[arg(long, conflicts_with = "accept")]
    revoke: bool,
}

impl TrustCommand {
    pub(super) fn run(self) -> Result<(), Failure> {
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let directory = std::fs::canonicalize(&self.directory).map_err(|error| {
            Failure::new(format_args!("could not find {}: {error}", self.directory.display())).code(USAGE)
        })?;
        let mut trust = Trust::load(&places.state).map_err(|error| Failure::could_not(&error))?;
        let files = places.project_files(&directory);
        if files.is_empty() {
            return Err(Failure::new(format_args!(
                "{} has no outboard.json and no .mcp.json",
                directory.display()
            ))
            .hint("name the project's directory: outboard trust DIRECTORY"));
        }
        // Of a file that cannot be used no rule is in force.
        let own = ConfigFile::read(&places.user_file(), FileKind::User).ok();
        let mut accepted = 0;
        for file in files {
            if self.revoke {
                let was = trust.revoke(&file.path).map_err(|error| Failure::could_not(&error))?;
                report::line(format_args!(
                    "{}: {}",
                    file.path.display(),
                    if was { "revoked" } else { "was not accepted" }
                ));
                continue;
            }
            // The bytes that are shown are the bytes whose hash is accepted: the file is read once.
            let read = ConfigFile::read(&file.path, file.kind)
                .map_err(|error| Failure::could_not(&error).code(USAGE))?;
            show(&read, trust.accepts(&read.path, &read.hash));
            if read.entries.is_empty() {
                report::line("  names no servers: there is nothing to accept");
                continue;
            }
            if let Some(own) = &own {
                show_rules(own.settings.policy.text(), &read);
            }
            if !self.show && self.accepts(&read, &trust)? {
                trust.accept(&read.path, read.hash.clone()).map_err(|error| Failure::could_not(&error))?;
                report::line(format_args!("{}: accepted", read.path.display()));
                accepted += 1;
            }
        }
        if !self.accept.is_empty() && accepted == 0 {
            return Err(
                Failure::new("no file here has that hash").hint("outboard trust --show prints the hashes")
            );
        }
        Ok(())
    }

    fn accepts(&self, file: &ConfigFile, trust: &Trust) -> Result<bool, Failure> {
        if !self.accept.is_empty() {
            return Ok(self.accept.contains(&file.hash));
        }
        if trust.accepts(&file.path, &file.hash) {
            return Ok(false);
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new("accepting a file needs a person at a terminal")
                .hint(format_args!("or say which content you mean: outboard trust --accept {}", file.hash)));
        }
        show::confirmed("Accept this file as it is now?")
    }
}

fn show(file: &ConfigFile, accepted: bool) {
    let state = if accepted { "accepted" } else { "not accepted" };
    report::line(format_args!("{} ({state})", file.path.display()));
    report::line(format_args!("  sha256 {}", file.hash));
    for (name, entry) in &file.entries {
        match entry {
            Ok(entry) => show::entry(name, entry),
            Err(wrong) => {
                report::line(format_args!("  {}: {}", escaped(name), escaped(&wrong.to_string())));
            }
        }
    }
}

/// What of the user's own policy lets tools of these servers run: it knows servers by their names, whoever configures them.
fn show_rules(policy: &PolicyText, file: &ConfigFile) {
    let plain = |name: &str| {
        let plain: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        plain.trim_matches('_').to_owned()
    };
    let names: Vec<String> = file.entries.keys().map(|name| plain(name)).collect();
    let may_mean = |patterns: &[String]| {
        patterns.iter().any(|pattern| {
            let namespace = pattern.split('.').next().unwrap_or_default();
            namespace.contains(['*', '?', '[', '{', '\\'])
                || pattern.match_indices('.').any(|(at, _)| names.contains(&plain(&pattern[..at])))
        })
    };
    for (at, rule) in policy.rules.iter().enumerate() {
        let tools = match &rule.tools {
            _ if rule.verdict != Word::Allow => continue,
            Some(tools) if !may_mean(tools) => continue,
            Some(tools) => escaped(&tools.join(", ")),
            None => "what its condition says".to_owned(),
        };
        report::line(format_args!("  your own rule {} lets run  {tools}", at + 1));
    }
    if policy.otherwise == Some(Word::Allow) {
        report::line("  your own `policy.otherwise` lets run what no rule is about");
    }
}
