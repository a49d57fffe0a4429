//! Adds servers to Outboard's own files and takes them out, under the lock. What was there keeps its order and form.
//! A project's file is only written here; it is never accepted here.

use std::path::{Path, PathBuf};

use outboard_runtime::policy::{BadPolicy, PolicyText, RuleText, Rulebook};
use serde_json::{Map, Value, json};

use super::{
    ConfigFile, FileKind, FileProblem, OWN_SYNTAX, Places,
    edit::EditProblem,
    store::{Lock, Original, Privacy, StoreProblem},
};

/// Whose file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    User,
    Project,
}

impl Scope {
    /// As it is named on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Project => "project",
        }
    }
}

/// What was done.
#[derive(Debug)]
pub(crate) struct Added {
    pub(crate) file: PathBuf,
    pub(crate) replaced: bool,
    /// Why the file cannot be used all the same.
    pub(crate) unusable: Option<FileProblem>,
}

/// A rule that was written.
#[derive(Debug)]
pub(crate) struct Ruled {
    pub(crate) file: PathBuf,
    /// Its place among the rules, from 0.
    pub(crate) place: usize,
    /// The text before and after.
    pub(crate) texts: (String, String),
}

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditingProblem {
    #[error("add `{name}`: {} has it already", file.display())]
    Exists { name: String, file: PathBuf },
    #[error("remove `{name}`: no outboard.json here names it")]
    Missing { name: String, there: Vec<String> },
    #[error("remove `{name}`: both your own and the project's outboard.json name it")]
    Ambiguous { name: String },
    #[error("remove `{name}`: it stands in the project's .mcp.json")]
    Shared { name: String, file: PathBuf },
    #[error("use the home directory as a project: its files are never read as a project's")]
    HomeIsNoProject,
    #[error("find a project's outboard.json here")]
    NoFile,
    #[error("write the rule: {what}")]
    Rule { what: String, hint: String },
    #[error(transparent)]
    Unusable(#[from] FileProblem),
    #[error(transparent)]
    Store(#[from] StoreProblem),
}

const SERVERS: &str = "mcpServers";

/// Adds one server.
pub(crate) fn add(
    places: &Places,
    directory: &Path,
    scope: Scope,
    name: &str,
    entry: &Value,
    force: bool,
) -> Result<Added, EditingProblem> {
    let (file, privacy) = match scope {
        Scope::User => (places.user_file(), Privacy::Private),
        Scope::Project => {
            (places.project_file(directory).ok_or(EditingProblem::HomeIsNoProject)?, Privacy::Shared)
        }
    };
    let lock = Lock::take(&places.state)?;
    let (original, servers) = read(&file)?;
    let replaced = servers.contains_key(name);
    if replaced && !force {
        return Err(EditingProblem::Exists { name: name.to_owned(), file });
    }
    write(&lock, &original, &[(name, entry)], privacy)?;
    let kind = if scope == Scope::User { FileKind::User } else { FileKind::Project };
    let unusable = ConfigFile::read(&file, kind).err();
    Ok(Added { file, replaced, unusable })
}

/// Adds several servers with new names to the user's file, at once or not at all. Why the file cannot be used all
/// the same, if so.
pub(crate) fn add_all(
    places: &Places,
    entries: &[(&str, &Value)],
) -> Result<Option<FileProblem>, EditingProblem> {
    let file = places.user_file();
    let lock = Lock::take(&places.state)?;
    let (original, servers) = read(&file)?;
    if let Some((name, _)) = entries.iter().find(|(name, _)| servers.contains_key(*name)) {
        return Err(EditingProblem::Exists { name: (*name).to_owned(), file });
    }
    write(&lock, &original, entries, Privacy::Private)?;
    Ok(ConfigFile::read(&file, FileKind::User).err())
}

/// Takes one server out. The file that had it.
pub(crate) fn remove(
    places: &Places,
    directory: &Path,
    scope: Option<Scope>,
    name: &str,
) -> Result<(PathBuf, Scope), EditingProblem> {
    let lock = Lock::take(&places.state)?;
    let project = places.project_files(directory);
    let own = project.iter().find(|file| file.kind == FileKind::Project).map(|file| file.path.clone());
    if scope == Some(Scope::Project) && own.is_none() {
        return Err(EditingProblem::NoFile);
    }
    let files = [(Some(places.user_file()), Scope::User), (own, Scope::Project)];
    let mut holders = Vec::new();
    let mut there = Vec::new();
    for (file, of) in files {
        let Some(file) = file.filter(|_| scope.is_none_or(|scope| scope == of)) else { continue };
        let (original, servers) = read(&file)?;
        if servers.contains_key(name) {
            holders.push((original, file, of));
        }
        there.extend(servers.into_iter().map(|(name, _)| name));
    }
    if holders.len() > 1 {
        return Err(EditingProblem::Ambiguous { name: name.to_owned() });
    }
    let Some((original, file, of)) = holders.pop() else {
        let shared = project.into_iter().find(|file| {
            file.kind == FileKind::Shared
                && read(&file.path).is_ok_and(|(_, servers)| servers.contains_key(name))
        });
        return Err(match shared {
            Some(shared) => EditingProblem::Shared { name: name.to_owned(), file: shared.path },
            None => EditingProblem::Missing { name: name.to_owned(), there },
        });
    };
    let text = OWN_SYNTAX.unset(original.text(), &[SERVERS, name]).map_err(|source| edit(&file, source))?;
    original.write(&lock, &text, Privacy::Private)?;
    Ok((file, of))
}

/// Adds a rule to the user's file, before the one at this place or behind all others. Nothing is written if the rule, or
/// the file with it, cannot be used.
pub(crate) fn add_rule(
    places: &Places,
    rule: &RuleText,
    before: Option<usize>,
) -> Result<Ruled, EditingProblem> {
    let alone = PolicyText { rules: vec![rule.clone()], ..PolicyText::default() };
    if let Err(BadPolicy::Rule(bad) | BadPolicy::Limit(bad)) = Rulebook::read(alone) {
        let part = if bad.part.is_empty() { String::new() } else { format!("`{}`: ", bad.part) };
        return Err(EditingProblem::Rule { what: format!("{part}{}", bad.what), hint: bad.hint });
    }
    let file = places.user_file();
    let lock = Lock::take(&places.state)?;
    let original = Original::read(&file)?;
    let edited = |source| EditingProblem::Store(edit(&file, source));
    let rules = OWN_SYNTAX.read(original.text()).map_err(edited)?;
    let count = rules.pointer("/policy/rules").and_then(Value::as_array).map_or(0, Vec::len);
    let place = before.unwrap_or(count).min(count);
    let text =
        OWN_SYNTAX.insert(original.text(), &["policy", "rules"], place, &written(rule)).map_err(edited)?;
    ConfigFile::check(&file, FileKind::User, &text)?;
    let texts = (original.text().to_owned(), text);
    original.write(&lock, &texts.1, Privacy::Private)?;
    Ok(Ruled { file, place, texts })
}

/// A rule as it stands in a file.
fn written(rule: &RuleText) -> Value {
    let tools = rule.tools.as_deref().map(|tools| match tools {
        [one] => json!(one),
        several => json!(several),
    });
    let members = [
        ("tools", tools),
        ("when", rule.when.as_ref().map(|when| json!(when))),
        ("verdict", Some(json!(rule.verdict))),
        ("reason", rule.reason.as_ref().map(|reason| json!(reason))),
    ];
    let given = members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(given.collect())
}

/// The servers that one of Outboard's files names, as they are written.
pub(crate) fn servers(file: &Path) -> Result<Map<String, Value>, StoreProblem> {
    read(file).map(|(_, servers)| servers)
}

fn read(file: &Path) -> Result<(Original, Map<String, Value>), StoreProblem> {
    let original = Original::read(file)?;
    let mut value = OWN_SYNTAX.read(original.text()).map_err(|source| edit(file, source))?;
    let not_an_object = |member: &str| {
        edit(file, EditProblem::Shape { member: member.to_owned(), what: "must be an object" })
    };
    let Value::Object(members) = &mut value else { return Err(not_an_object("the file")) };
    match members.shift_remove(SERVERS) {
        None => Ok((original, Map::new())),
        Some(Value::Object(servers)) => Ok((original, servers)),
        Some(_) => Err(not_an_object(SERVERS)),
    }
}

fn write(
    lock: &Lock,
    original: &Original,
    entries: &[(&str, &Value)],
    privacy: Privacy,
) -> Result<(), StoreProblem> {
    let mut text = original.text().to_owned();
    for (name, entry) in entries {
        text =
            OWN_SYNTAX.set(&text, &[SERVERS, name], entry).map_err(|source| edit(&original.path, source))?;
    }
    original.write(lock, &text, privacy).map(|_| ())
}

fn edit(file: &Path, source: EditProblem) -> StoreProblem {
    StoreProblem::Edit { path: file.to_owned(), source }
}
