//! "Did you mean": the nearest names to one that does not exist.
//! Names come from scripts and upstreams, so they are shown shortened and without control characters.

use super::{Member, Snapshot};

/// Names offered at most.
const OFFERED: usize = 3;
/// Jaro-Winkler similarity from which a name is near.
const NEAR: f64 = 0.78;
/// What a name counts that is one slip of the fingers away: in short names the similarity above falls below near.
const SLIP: f64 = 0.85;
/// Bytes of names that are looked at for a slip.
const SHORT: usize = 64;

pub(super) fn namespace(snapshot: &Snapshot, name: &str) -> String {
    let names: Vec<&str> = snapshot.members().iter().map(|member| member.namespace.as_str()).collect();
    let near = nearest(name, names.iter().copied());
    let name = shown(name);
    if names.is_empty() {
        format!("there is no namespace `{name}`: no upstream is configured")
    } else if near.is_empty() {
        let some: Vec<&str> = names.iter().copied().take(20).collect();
        format!("there is no namespace `{name}`; there are: {}", some.join(", "))
    } else {
        format!("there is no namespace `{name}`; did you mean {}?", quoted(&near))
    }
}

/// The nearest tools of an upstream.
pub(super) fn near_tools<'m>(member: &'m Member, name: &str) -> Vec<&'m str> {
    if member.terms.tools.denies(name) {
        return Vec::new();
    }
    nearest(name, member.identifiers.iter().map(String::as_str))
}

pub(super) fn tool(member: &Member, name: &str) -> String {
    let near = near_tools(member, name);
    let denied = member.terms.tools.denies(name);
    let (namespace, name) = (&member.namespace, shown(name));
    if denied {
        // Said of the name alone, so that it does not tell whether the upstream has such a tool.
        format!("{namespace} has no tool `{name}` here: the configuration denies this name (`tools.deny`)")
    } else if member.identifiers.is_empty() {
        format!("{namespace} has no tool `{name}`: it has no tools")
    } else if near.is_empty() {
        let some: Vec<&str> = member.identifiers.iter().map(String::as_str).take(12).collect();
        let more = member.identifiers.len() - some.len();
        let more =
            if more > 0 { format!(" and {more} more; find them with tools.search") } else { String::new() };
        format!("{namespace} has no tool `{name}`; it has: {}{more}", some.join(", "))
    } else {
        let near: Vec<String> = near.iter().map(|tool| format!("{namespace}.{tool}")).collect();
        format!("{namespace} has no tool `{name}`; did you mean {}?", quoted(&near))
    }
}

/// A hint for a name that is not defined in a script, if it is near to a namespace.
pub(super) fn undefined(snapshot: &Snapshot, name: &str) -> Option<String> {
    let near = nearest(name, snapshot.members().iter().map(|member| member.namespace.as_str()));
    (!near.is_empty()).then(|| format!("did you mean the namespace {}?", quoted(&near)))
}

/// One letter more, less or other, or two neighbours exchanged.
fn is_a_slip_away(wanted: &str, other: &str) -> bool {
    (3..=SHORT).contains(&wanted.len()) && other.len() <= SHORT && strsim::osa_distance(wanted, other) <= 1
}

fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = folded(name);
    let words: Vec<&str> = wanted.split('_').filter(|word| word.len() > 2).collect();
    let mut scored: Vec<(f64, &str)> = candidates
        .map(|candidate| {
            let other = folded(candidate);
            let shared = words.iter().filter(|word| other.contains(**word)).count();
            let overlap = if words.is_empty() { 0.0 } else { shared as f64 / words.len() as f64 };
            let slip = if is_a_slip_away(&wanted, &other) { SLIP } else { 0.0 };
            (strsim::jaro_winkler(&wanted, &other).max(0.9 * overlap).max(slip), candidate)
        })
        .filter(|(score, _)| *score >= NEAR)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(OFFERED).map(|(_, candidate)| candidate).collect()
}

/// Camel and snake case, dashes and case folded into one form.
fn folded(name: &str) -> String {
    let mut out = String::new();
    let mut lower_before = false;
    for c in name.chars().take(128) {
        if c.is_uppercase() && lower_before {
            out.push('_');
        }
        lower_before = c.is_lowercase() || c.is_numeric();
        out.extend(if c.is_alphanumeric() { c.to_lowercase().collect() } else { vec!['_'] });
    }
    out
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    names.join(" or ")
}
