//! `outboard trust`: shows a person what a project's files would start and accepts them by hash.
//! Everything shown is escaped: the files are a stranger's.

use std::{
    io::{BufRead as _, IsTerminal as _},
    path::PathBuf,
};

use clap::Args;

use super::variable;
use crate::{
    config::{ConfigFile, Entry, Places, Transport, named},
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
        report::note("Accept this file as it is now? [y/N]");
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map_err(|error| Failure::could_not(&error))?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}

fn show(file: &ConfigFile, accepted: bool) {
    let state = if accepted { "accepted" } else { "not accepted" };
    report::line(format_args!("{} ({state})", file.path.display()));
    report::line(format_args!("  sha256 {}", file.hash));
    for (name, entry) in &file.entries {
        match entry {
            Ok(entry) => show_entry(name, entry),
            Err(problem) => report::line(format_args!("  {}: {}", escaped(name), escaped(problem))),
        }
    }
}

fn show_entry(name: &str, entry: &Entry) {
    if entry.is_outboard(std::env::current_exe().and_then(std::fs::canonicalize).ok().as_deref()) {
        report::line(format_args!("  {} is Outboard itself and is skipped", escaped(name)));
        return;
    }
    match &entry.transport {
        Transport::Stdio { command, args, env, cwd } => {
            let words: Vec<String> = std::iter::once(command).chain(args).map(|word| quoted(word)).collect();
            report::line(format_args!("  {} starts  {}", escaped(name), words.join(" ")));
            for (variable, value) in env {
                report::line(format_args!("    with {}={}", escaped(variable), quoted(value)));
            }
            if let Some(cwd) = cwd {
                report::line(format_args!("    in {}", quoted(cwd)));
            }
        }
        Transport::Http { url, headers } => {
            report::line(format_args!("  {} reaches  {}", escaped(name), quoted(url)));
            for (header, value) in headers {
                report::line(format_args!("    with {}: {}", escaped(header), quoted(value)));
            }
        }
    }
    let mut variables: Vec<String> = entry.texts().into_iter().flat_map(|(_, text)| named(text)).collect();
    variables.sort();
    variables.dedup();
    if !variables.is_empty() {
        report::line(format_args!("    is given your {}", variables.join(", ")));
    }
}

/// A text without anything that a terminal would act on or hide.
fn escaped(text: &str) -> String {
    let plain = |c: char| c == ' ' || (!c.is_control() && !c.is_whitespace() && !is_invisible(c));
    text.chars().map(|c| if plain(c) { c.to_string() } else { c.escape_unicode().to_string() }).collect()
}

/// Format characters: zero-width, bidirectional overrides, tags.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn quoted(text: &str) -> String {
    let bare =
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c));
    if bare { text.to_owned() } else { format!("'{}'", escaped(text).replace('\'', "\\'")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_or_hide_is_escaped() {
        for (text, shown) in [
            ("npx", "npx"),
            ("a b", "'a b'"),
            ("", "''"),
            ("\u{1b}[2Jrm", "'\\u{1b}[2Jrm'"),
            ("safe\u{202e}txt", "'safe\\u{202e}txt'"),
            ("a\u{200b}b", "'a\\u{200b}b'"),
            ("it's\n", "'it\\'s\\u{a}'"),
        ] {
            assert_eq!(quoted(text), shown);
        }
    }
}
