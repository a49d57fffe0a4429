//! Which files say what is configured, and who else can change them or what Outboard remembers.
//! It looks at files and directories; it opens none but those that configuration reads anyway.

use std::path::Path;

use serde_json::{Value, json};

use super::{super::context::Context, Findings};
use crate::report::{self, Cell, Table, counted, escaped};

/// Tells of the configuration files and of the user's directories.
pub(super) fn examine(context: &Context, findings: &mut Findings) {
    files(context, findings);
    directories(context, findings);
}

fn files(context: &Context, findings: &mut Findings) {
    let configuration = &context.configuration;
    let mut table = Table::indented(2);
    let mut facts = Vec::new();
    let mut tell = |path: &Path, state: String, upstreams: usize| {
        facts.push(json!({"path": path, "state": state, "upstreams": upstreams}));
        table.row([Cell::left(shown(path)), Cell::left(state)]);
    };
    let of_file =
        |path: &Path| configuration.upstreams.iter().filter(|upstream| upstream.file == path).count();
    let user = context.places.user_file();
    let state = match user.exists() {
        false => "is not there yet".to_owned(),
        true => counted(of_file(&user), "upstream"),
    };
    tell(&user, state, of_file(&user));
    for file in context.places.project_files(&context.directory) {
        let untrusted = configuration.untrusted.iter().find(|untrusted| untrusted.path == file.path);
        let state = match (untrusted, of_file(&file.path)) {
            (Some(untrusted), _) if untrusted.changed => {
                "has changed since it was accepted and has no effect: outboard trust".to_owned()
            }
            (Some(_), _) => "has not been accepted and has no effect: outboard trust".to_owned(),
            (None, 0) => "adds nothing".to_owned(),
            (None, count) => counted(count, "upstream"),
        };
        tell(&file.path, state, of_file(&file.path));
    }
    findings.heading("configuration");
    for note in &configuration.notes {
        table.row([Cell::left(escaped(note))]);
    }
    findings.rows(&table);
    findings.fact("files", Value::from(facts));
    findings.fact("notes", json!(configuration.notes));
    wrong(context, findings);
}

/// What is wrong with the files, and what in them is probably not meant so.
fn wrong(context: &Context, findings: &mut Findings) {
    let configuration = &context.configuration;
    for problem in &configuration.problems {
        let hint = report::hint_of(problem).unwrap_or_else(|| "look at the file".to_owned());
        findings.told(format!("could not {}", escaped(&report::chain(problem))), hint);
    }
    for file in configuration.untrusted.iter().filter(|file| file.changed) {
        findings.told(
            format!("{} has changed since it was accepted and has no effect", shown(&file.path)),
            "see what it would start now, and accept it: outboard trust".to_owned(),
        );
    }
    for upstream in &configuration.upstreams {
        let Some((what, hint)) = upstream.entry.as_ref().ok().and_then(|entry| entry.usage.doubt()) else {
            continue;
        };
        findings.told(format!("`{}` in {}: {what}", escaped(&upstream.name), shown(&upstream.file)), hint);
    }
}

fn directories(context: &Context, findings: &mut Findings) {
    findings.heading("directories");
    let mut facts = Vec::new();
    for (name, path) in [("config", &context.places.config), ("state", &context.places.state)] {
        let standing = standing(path);
        let mut table = Table::indented(2).least([6]);
        let mode = standing.mode.map_or_else(String::new, |mode| format!("{mode:04o}"));
        let state = if standing.exists { mode.clone() } else { "is not there yet".to_owned() };
        table.row([Cell::left(name), Cell::left(shown(path)), Cell::left(state)]);
        findings.rows(&table);
        facts.push(json!({
            "name": name, "path": path, "exists": standing.exists, "mode": standing.mode.map(|_| mode),
        }));
        if let Some(wrong) = standing.wrong {
            let path = shown(path);
            findings.problem(format!("{path} {wrong}"), format!("chmod go-w,u+rwx {path}"));
        }
    }
    findings.fact("directories", Value::from(facts));
}

/// What is known of a directory.
struct Standing {
    exists: bool,
    /// Permission bits, where there are such.
    mode: Option<u32>,
    wrong: Option<&'static str>,
}

#[cfg(unix)]
fn standing(path: &Path) -> Standing {
    use std::os::unix::fs::PermissionsExt as _;
    let Ok(metadata) = std::fs::metadata(path) else {
        return Standing { exists: false, mode: None, wrong: None };
    };
    let mode = metadata.permissions().mode() & 0o7777;
    let wrong = if !metadata.is_dir() {
        Some("is no directory")
    } else if mode & 0o022 != 0 {
        // Whoever writes here decides what is started, or what counts as accepted.
        Some("can be changed by other users")
    } else if mode & 0o700 != 0o700 {
        Some("cannot be read and written by its owner")
    } else {
        None
    };
    Standing { exists: true, mode: Some(mode), wrong }
}

#[cfg(not(unix))]
fn standing(path: &Path) -> Standing {
    Standing { exists: path.exists(), mode: None, wrong: None }
}

fn shown(path: &Path) -> String {
    escaped(&path.display().to_string())
}
