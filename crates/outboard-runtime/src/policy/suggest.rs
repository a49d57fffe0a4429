//! Rules that past runs suggest: what people allowed or refused again and again, and never otherwise. A suggestion is no
//! broader than what was seen. It reads journals, writes nothing and decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use outboard_declare::names;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{RuleText, Word};
use crate::{
    ids::RequestId,
    journal::{Event, Intent},
    json::Json,
    ports::engine::{Delivered, GuestAsk, Reply},
    reply::FailureCode,
};

/// Decisions of people from which on a rule is suggested.
const OFTEN: usize = 2;
/// Calls from which on an argument that never changed becomes a condition.
const CONSTANT: usize = 3;
/// Conditions of one rule, and bytes of a value in one.
const CONDITIONS: usize = 3;
const VALUE_BYTES: usize = 200;

/// A rule with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suggestion {
    /// The rule.
    pub rule: RuleText,
    /// Decisions of people that it would have saved.
    pub decisions: usize,
    /// In so many runs.
    pub runs: usize,
}

/// What was decided about the calls of past runs.
#[derive(Debug, Default)]
pub struct Past {
    tools: BTreeMap<String, Decisions>,
}

#[derive(Debug, Default)]
struct Decisions {
    allowed: Vec<Map<String, Value>>,
    refused: usize,
    runs: BTreeSet<usize>,
    read: usize,
}

/// What stands in the gate's record if a person allowed a call, and in its message if one refused.
const BY_A_PERSON: &str = "by a person";
const REFUSED: &str = "not approved: a person said no";

impl Past {
    /// Takes in the journal of one run.
    pub fn read(&mut self, events: &[Event]) {
        let run = self.tools.values().map(|tool| tool.read).max().unwrap_or_default() + 1;
        // What stands before it in a run that goes on from another one was decided there.
        let from = events.iter().find_map(|event| match event {
            Event::Opened(opened) => opened.origin.as_ref().map(|origin| origin.from),
            _ => None,
        });
        let mut asked: BTreeMap<RequestId, (String, &Json)> = BTreeMap::new();
        for event in events {
            match event {
                Event::Asked(request) => {
                    if let GuestAsk::Call { namespace, tool, arguments, .. } = &request.what {
                        asked.insert(request.id, (format!("{namespace}.{tool}"), arguments));
                    }
                }
                Event::Intended(intent) if intent.allowed_by.contains(BY_A_PERSON) => {
                    let arguments = asked.get(&intent.request).map(|(_, arguments)| arguments.to_value());
                    let Some(Value::Object(arguments)) = arguments else { continue };
                    self.tool(called(intent), run).allowed.push(arguments);
                }
                Event::Delivered(delivery) => {
                    if let Delivered::Settled { request, reply: Reply::Failed(failure) } = &delivery.what
                        && failure.code == FailureCode::Denied
                        && failure.message.starts_with(REFUSED)
                        && from.is_none_or(|from| *request >= from)
                        && let Some((tool, _)) = asked.get(request)
                    {
                        self.tool(tool.clone(), run).refused += 1;
                    }
                }
                _ => {}
            }
        }
    }

    fn tool(&mut self, name: String, run: usize) -> &mut Decisions {
        let tool = self.tools.entry(name).or_default();
        tool.runs.insert(run);
        tool.read = run;
        tool
    }

    /// What they suggest, most decisions first. Tools about which people decided in both ways suggest nothing.
    pub fn suggest(&self) -> Vec<Suggestion> {
        let mut ways: BTreeMap<String, [bool; 2]> = BTreeMap::new();
        for (name, decisions) in &self.tools {
            let [allowed, refused] = ways.entry(identified(name)).or_default();
            *allowed |= !decisions.allowed.is_empty();
            *refused |= decisions.refused > 0;
        }
        let one = |(name, decisions): (&String, &Decisions)| {
            let (verdict, count) = match ways.get(&identified(name))? {
                [true, true] => return None,
                [_, false] => (Word::Allow, decisions.allowed.len()),
                [_, true] => (Word::Deny, decisions.refused),
            };
            let when = (verdict == Word::Allow).then(|| conditions(&decisions.allowed)).flatten();
            let reason = (verdict == Word::Deny).then(|| format!("people refused it {count} times"));
            let rule = RuleText { tools: Some(vec![pattern(name)]), when, verdict, reason };
            (count >= OFTEN).then_some(Suggestion { rule, decisions: count, runs: decisions.runs.len() })
        };
        let mut all: Vec<Suggestion> = self.tools.iter().filter_map(one).collect();
        all.sort_by_key(|suggestion| std::cmp::Reverse(suggestion.decisions));
        all
    }
}

fn called(intent: &Intent) -> String {
    format!("{}.{}", intent.namespace, intent.tool)
}

/// The same for all names of a tool: a call that was sent is recorded by its upstream's own name of it, one that was
/// refused as the script wrote it.
fn identified(name: &str) -> String {
    let parts = name.split_once('.');
    parts.map_or_else(
        || name.to_owned(),
        |(namespace, tool)| format!("{namespace}.{}", names::identifier(tool)),
    )
}

/// The pattern that means exactly this name.
fn pattern(name: &str) -> String {
    let special = |c: char| "*?[]{}\\,!".contains(c);
    name.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

/// The short texts and numbers that were the same in every call, as a condition.
fn conditions(calls: &[Map<String, Value>]) -> Option<String> {
    let (first, others) = calls.split_first()?;
    if calls.len() < CONSTANT {
        return None;
    }
    let plain = |key: &String, value: &Value| {
        let name = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let value = value.is_string() || value.is_i64() || value.is_boolean();
        name && value && !key.starts_with(|c: char| c.is_ascii_digit())
    };
    let constant = first.iter().filter(|(key, value)| {
        plain(key, value)
            && value.to_string().len() <= VALUE_BYTES
            && others.iter().all(|call| call.get(*key) == Some(value))
    });
    // A JSON text is a CEL text, but for escapes that CEL does not know.
    let constant = constant.filter(|(_, value)| !value.to_string().contains('\\')).take(CONDITIONS);
    let all: Vec<String> = constant.map(|(key, value)| format!("arguments[\"{key}\"] == {value}")).collect();
    (!all.is_empty()).then(|| all.join(" && "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        clock::RunTime,
        policy::{PolicyText, Rulebook},
        ports::engine::{Delivery, GuestRequest},
        reply::ToolFailure,
    };

    fn asked(id: u32, tool: &str, arguments: Value) -> Event {
        let (namespace, tool) = ("chat".to_owned(), tool.to_owned());
        let what = GuestAsk::Call { namespace, tool, arguments: Json::from(arguments), paged: false };
        Event::Asked(GuestRequest { id: RequestId(id), what, position: None })
    }

    fn allowed(id: u32, tool: &str, by: &str) -> Event {
        Event::Intended(Intent {
            request: RequestId(id),
            at: RunTime::default(),
            upstream: "chat".into(),
            namespace: "chat".into(),
            tool: tool.into(),
            read_only: false,
            idempotent: false,
            allowed_by: by.to_owned(),
        })
    }

    fn refused(id: u32, message: &str) -> Event {
        let reply = Reply::Failed(ToolFailure::new(FailureCode::Denied, message));
        let what = Delivered::Settled { request: RequestId(id), reply };
        Event::Delivered(Delivery { at: RunTime::default(), what })
    }

    #[test]
    fn rules_are_suggested_where_people_decided_alike_and_no_broader_than_what_was_seen() {
        let mut past = Past::default();
        for text in ["a", "b", "c"] {
            past.read(&[
                asked(1, "post", json!({"channel": "#test", "text": text})),
                allowed(1, "post", "allowed once by a person"),
                asked(2, "read", json!({})),
                allowed(2, "read", "declared read-only"),
                asked(3, "wipe", json!({})),
                refused(3, "not approved: a person said no (declared destructive)"),
                asked(4, "pay", json!({})),
                refused(4, "not approved: nobody could be asked (declared destructive)"),
                asked(5, "move", json!({})),
                allowed(5, "move", "allowed by a person in this run, up to 5 calls"),
                asked(6, "move", json!({})),
                refused(6, "not approved: a person said no"),
                // Another name of the same tool.
                asked(7, "send_it", json!({})),
                allowed(7, "send-it", "allowed once by a person"),
                asked(8, "send_it", json!({})),
                refused(8, "not approved: a person said no"),
                asked(9, "late", json!({})),
                refused(9, "not approved: what a person allowed is not this call, or is too long ago"),
            ]);
        }
        let suggestions = past.suggest();
        let rule = |tool: &str, when: Option<&str>, verdict, reason: Option<&str>| RuleText {
            tools: Some(vec![tool.to_owned()]),
            when: when.map(str::to_owned),
            verdict,
            reason: reason.map(str::to_owned),
        };
        let rules: Vec<RuleText> = suggestions.iter().map(|suggestion| suggestion.rule.clone()).collect();
        assert_eq!(
            rules,
            [
                rule("chat.post", Some("arguments[\"channel\"] == \"#test\""), Word::Allow, None),
                rule("chat.wipe", None, Word::Deny, Some("people refused it 3 times")),
            ]
        );
        assert_eq!((suggestions[0].decisions, suggestions[0].runs), (3, 3));
        Rulebook::read(PolicyText { rules, ..PolicyText::default() }).unwrap();
    }

    #[test]
    fn a_name_with_special_characters_means_itself_alone() {
        assert_eq!(pattern("chat.a*b{c}"), r"chat.a\*b\{c\}");
    }
}
