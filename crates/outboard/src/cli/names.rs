//! Names of tools and upstreams as a person types them: which upstream one may mean before anything is listed, and what
//! to say when there is no such thing.

use outboard_runtime::catalogue::{Member, Snapshot, Unresolved, UpstreamState};

use crate::report::{Failure, escaped, escaped_lines};

/// What stands between an upstream's name and a tool's.
const SEPARATORS: [char; 3] = ['.', '/', '['];

/// Whether the name means this upstream or could mean a tool of it.
pub(super) fn may_mean(name: &str, member: &Member) -> bool {
    [member.namespace.as_str(), member.upstream.as_str()].iter().any(|own| {
        name.trim()
            .strip_prefix(own)
            .is_some_and(|rest| rest.is_empty() || rest.trim_start().starts_with(SEPARATORS))
    })
}

/// The name means nothing in this catalogue: says so, with the nearest names that do.
pub(super) fn unknown(snapshot: &Snapshot, name: &str) -> Failure {
    let name = name.trim();
    let (namespace, tool) = split(snapshot, name);
    let hint = "outboard search finds tools by words";
    if tool.is_empty() {
        // Without a namespace, it may be a tool whose namespace was left out.
        let of_that_name: Vec<String> = snapshot
            .members()
            .iter()
            .filter_map(|member| Some(format!("{}.{}", member.namespace, member.tool(namespace)?.0)))
            .take(3)
            .collect();
        if !of_that_name.is_empty() {
            return Failure::new(format_args!("`{}` has no namespace before it", escaped(name)))
                .hint(format_args!("did you mean {}?", escaped(&of_that_name.join(" or "))));
        }
    }
    match snapshot.resolve(namespace, tool) {
        Err(unresolved @ (Unresolved::Namespace(_) | Unresolved::Tool(_))) => {
            Failure::new(escaped(&unresolved.explain(namespace, tool))).hint(hint)
        }
        Err(Unresolved::Unknown(member)) => unavailable(member),
        Ok(_) => Failure::new(format_args!("`{}` names no tool", escaped(name))).hint(hint),
    }
}

/// Nothing can be said of the upstream's tools: says why.
pub(super) fn unavailable(member: &Member) -> Failure {
    let why = match &member.state {
        UpstreamState::Failed { reason } => format!("is not available: {}", escaped_lines(reason)),
        UpstreamState::Asleep | UpstreamState::Starting | UpstreamState::Ready { .. } => {
            "has not listed its tools in time".to_owned()
        }
    };
    Failure::new(format_args!("{} {why}", member.namespace)).hint("outboard doctor says what to do")
}

/// The two parts of a name, split where the first is an upstream if there is such a place.
pub(super) fn split<'a>(snapshot: &Snapshot, name: &'a str) -> (&'a str, &'a str) {
    let halves =
        |at: usize| (name[..at].trim(), name[at + 1..].trim_matches(['[', ']', '"', '\'', '`', ' ']));
    let places = || name.match_indices(SEPARATORS).map(|(at, _)| at);
    let known = places().map(halves).find(|(namespace, _)| snapshot.member(namespace).is_some());
    known.or_else(|| places().next().map(halves)).unwrap_or((name, ""))
}
