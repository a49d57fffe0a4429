//! What applies where no rule decides. An upstream's claims count only once a person has vouched for it.
//! It needs no configuration.

use super::{Decider, Facts, Policy, Reason, Standing, Verdict};
use crate::operation::Kind;

/// Lets every operation pass: for tests and for upstreams that are Outboard's own.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllowAll;

impl Policy for AllowAll {
    fn judge(&self, _: &Facts<'_>) -> Verdict {
        Verdict::Allow(Reason::new(Decider::Otherwise, "policy allows all"))
    }

    fn describe(&self) -> String {
        "policy allows all: every operation of every configured upstream passes without asking".to_owned()
    }
}

/// Judges by what upstreams declare: what is declared read-only runs, all else asks; where the upstream is trusted,
/// only what is declared destructive asks. What upstreams themselves ask for asks. Resources are read only if they were
/// listed. Once private data and untrusted content have met, what leaves the organisation asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Defaults;

impl Policy for Defaults {
    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        guarded(facts, by_declaration(facts))
    }

    fn describe(&self) -> String {
        "what accepted upstreams declare read-only runs, all else asks".to_owned()
    }
}

/// The verdict without rules and without taint.
pub(super) fn by_declaration(facts: &Facts<'_>) -> Verdict {
    match facts.operation.kind() {
        kind @ (Kind::Sample | Kind::Elicit | Kind::ListRoots) => ask(Decider::Kind, asks_for(facts, kind)),
        _ if !facts.vouched() => not_vouched(facts),
        Kind::CallTool => tool(facts),
        Kind::ReadResource | Kind::Subscribe if !facts.listed => {
            let text = format!("{} has not listed this resource", facts.operation.namespace());
            Verdict::Deny(Reason::new(Decider::Kind, text))
        }
        kind => allow(Decider::Kind, format!("{kind} only reads")),
    }
}

/// The same verdict, unless it would let something pass that is not what a person accepted, or let something out of
/// the organisation that may carry private data by the word of untrusted content. Who is asked anyway is told of that.
pub(super) fn guarded(facts: &Facts<'_>, verdict: Verdict) -> Verdict {
    let leaks = facts.taint.is_dangerous() && facts.is_external();
    match verdict {
        Verdict::Allow(_) if facts.standing == Standing::Changed => not_vouched(facts),
        Verdict::Allow(_) if leaks => {
            Verdict::Ask(Reason::new(Decider::Taint, LEAKS).remedy("outboard policy clear"))
        }
        Verdict::Ask(reason) if leaks => {
            Verdict::Ask(Reason { text: format!("{}; {LEAKS}", reason.text), ..reason })
        }
        verdict => verdict,
    }
}

/// Why the guard asks.
const LEAKS: &str =
    "this session has read private data and untrusted content, and this leaves the organisation";

fn tool(facts: &Facts<'_>) -> Verdict {
    let claims = facts.believed();
    let destructive = claims.destructive_hint == Some(true);
    if claims.read_only_hint == Some(true) && !destructive {
        return allow(Decider::Declared, "declared read-only".to_owned());
    }
    if destructive {
        let reason = Reason::new(Decider::Declared, "declared destructive");
        return Verdict::Ask(reason.remedy(rule_for(facts)));
    }
    if facts.trusted {
        return allow(Decider::Trusted, "the configuration trusts the upstream".to_owned());
    }
    let text = match claims.read_only_hint {
        Some(_) => "declared to change something",
        None => "not declared read-only",
    };
    Verdict::Ask(Reason::new(Decider::Declared, text).remedy(rule_for(facts)))
}

fn not_vouched(facts: &Facts<'_>) -> Verdict {
    let upstream = facts.operation.upstream();
    let (by, text) = match facts.standing {
        Standing::New => (Decider::Changed, "the tool is new since the upstream was accepted".to_owned()),
        Standing::Changed => (Decider::Changed, "the tool has changed since it was accepted".to_owned()),
        Standing::NotAccepted | Standing::Accepted => {
            (Decider::NotAccepted, format!("nobody has accepted the upstream {upstream} yet"))
        }
    };
    Verdict::Ask(Reason::new(by, text).remedy(format!("outboard accept {}", shell_word(upstream.as_str()))))
}

/// The rule that would let this tool run.
fn rule_for(facts: &Facts<'_>) -> String {
    let name = format!("{}.{}", facts.operation.namespace(), facts.identifier);
    format!("outboard policy allow {}", shell_word(&name))
}

fn asks_for(facts: &Facts<'_>, kind: Kind) -> String {
    let what = match kind {
        Kind::Sample => "a model's answer at your cost",
        Kind::ListRoots => "the names of your folders",
        _ => "something of you",
    };
    format!("{} asks for {what}", facts.operation.namespace())
}

fn allow(by: Decider, text: String) -> Verdict {
    Verdict::Allow(Reason::new(by, text))
}

fn ask(by: Decider, text: String) -> Verdict {
    Verdict::Ask(Reason::new(by, text))
}

/// A word as a shell takes it.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        catalogue::Annotations,
        json::Json,
        operation::{Asked, AskedFor, Operation, Request, Requested, ToolCall},
        policy::{Labels, Taint},
    };

    fn call() -> Operation {
        Operation::CallTool(ToolCall {
            upstream: "my tools".into(),
            namespace: "my_tools".into(),
            tool: "do-it".into(),
            arguments: Json::null(),
        })
    }

    fn claims(read_only: Option<bool>, destructive: Option<bool>) -> Annotations {
        Annotations { read_only_hint: read_only, destructive_hint: destructive, ..Annotations::default() }
    }

    #[test]
    fn tools_are_judged_by_claims_only_where_a_person_vouches_for_them() {
        use Standing::{Accepted, Changed, New, NotAccepted};
        let (reads, breaks, changes, silent, both) = (
            claims(Some(true), None),
            claims(Some(false), Some(true)),
            claims(Some(false), Some(false)),
            claims(None, None),
            claims(Some(true), Some(true)),
        );
        for (claims, standing, trusted, word, by) in [
            (reads, NotAccepted, false, "ask", Decider::NotAccepted),
            (reads, Accepted, false, "allow", Decider::Declared),
            (reads, Changed, false, "ask", Decider::Changed),
            (reads, New, true, "ask", Decider::Changed),
            (reads, NotAccepted, true, "allow", Decider::Declared),
            (silent, Accepted, false, "ask", Decider::Declared),
            (silent, Accepted, true, "allow", Decider::Trusted),
            (silent, NotAccepted, true, "allow", Decider::Trusted),
            (changes, Accepted, false, "ask", Decider::Declared),
            (changes, Accepted, true, "allow", Decider::Trusted),
            (breaks, Accepted, true, "ask", Decider::Declared),
            (both, Accepted, false, "ask", Decider::Declared),
        ] {
            let operation = call();
            let facts = Facts { claims, standing, trusted, identifier: "do_it", ..Facts::of(&operation) };
            let verdict = Defaults.judge(&facts);
            assert_eq!(
                (verdict.word(), verdict.reason().by),
                (word, by),
                "{claims:?} {standing:?} {trusted}"
            );
        }
    }

    #[test]
    fn a_reason_names_the_command_that_helps() {
        let operation = call();
        let facts = Facts { identifier: "do_it", ..Facts::of(&operation) };
        let remedy = |facts: &Facts<'_>| Defaults.judge(facts).reason().remedy.clone().unwrap();
        assert_eq!(remedy(&facts), "outboard accept 'my tools'");
        let accepted = Facts { standing: Standing::Accepted, ..facts };
        assert_eq!(remedy(&accepted), "outboard policy allow my_tools.do_it");
    }

    #[test]
    fn other_kinds_have_defaults_too() {
        let request =
            |what| Operation::Request(Request { upstream: "u".into(), namespace: "u".into(), what });
        let asked = |what| {
            Operation::Asked(Asked {
                upstream: "u".into(),
                namespace: "u".into(),
                what,
                parameters: Json::null(),
            })
        };
        let read = || request(Requested::ReadResource { uri: "file:///x".to_owned() });
        let prompt = || request(Requested::GetPrompt { name: "p".to_owned(), arguments: Json::null() });
        for (operation, standing, listed, word) in [
            (read(), Standing::Accepted, true, "allow"),
            (read(), Standing::Accepted, false, "deny"),
            (read(), Standing::NotAccepted, true, "ask"),
            (
                request(Requested::Subscribe { uri: "file:///x".to_owned() }),
                Standing::Accepted,
                false,
                "deny",
            ),
            (request(Requested::ListResources), Standing::Accepted, true, "allow"),
            (prompt(), Standing::Accepted, true, "allow"),
            (prompt(), Standing::NotAccepted, true, "ask"),
            (asked(AskedFor::Sample), Standing::Accepted, true, "ask"),
            (asked(AskedFor::ListRoots), Standing::Accepted, true, "ask"),
            (asked(AskedFor::Elicit), Standing::Accepted, true, "ask"),
        ] {
            let facts = Facts { standing, listed, trusted: false, ..Facts::of(&operation) };
            assert_eq!(Defaults.judge(&facts).word(), word, "{operation:?}");
        }
    }

    #[test]
    fn what_leaves_the_organisation_asks_once_private_data_met_untrusted_content() {
        let operation = call();
        let open = |open| Annotations { open_world_hint: open, ..claims(Some(true), None) };
        let met = Taint { private: true, untrusted: true };
        let accepted = Standing::Accepted;
        for (taint, claims, standing, external, word) in [
            (met, open(None), accepted, None, "ask"),
            (met, open(Some(true)), accepted, None, "ask"),
            (met, open(Some(false)), accepted, None, "allow"),
            (met, open(Some(false)), accepted, Some(true), "ask"),
            (met, open(None), accepted, Some(false), "allow"),
            (Taint { private: true, untrusted: false }, open(None), accepted, None, "allow"),
            (Taint { private: false, untrusted: true }, open(None), accepted, None, "allow"),
        ] {
            let labels = Labels { external, ..Labels::default() };
            let facts = Facts { claims, standing, labels, taint, ..Facts::of(&operation) };
            assert_eq!(Defaults.judge(&facts).word(), word, "{facts:?}");
        }
        // A claim that nobody vouches for does not make it internal.
        let facts = Facts { claims: open(Some(false)), taint: met, ..Facts::of(&operation) };
        assert!(facts.is_external());
    }
}
