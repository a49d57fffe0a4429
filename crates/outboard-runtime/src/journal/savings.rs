//! What a run kept out of the context of whoever asked for it: results that its script read and the model did not. Counted
//! from the record, with the o200k tokenizer: an estimate, and meant never to say too much. It knows no definitions of tools.

use std::collections::BTreeMap;

use super::{Ending, Event, Opened};
use crate::{
    ids::{Namespace, RequestId, UpstreamName},
    ports::engine::{Delivered, Reply},
    present::{count_tokens, estimate_tokens},
};

/// Longer texts are not counted but estimated by their length.
const COUNTED: usize = 4 << 20;

/// What a run kept out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Savings {
    /// By upstream, what its answers would have cost to read.
    pub upstreams: BTreeMap<UpstreamName, Answers>,
    /// What the script's value cost to read. What it wrote to its console is not recorded and not known.
    pub given: usize,
    /// The namespaces that the script could see.
    pub namespaces: Vec<Namespace>,
    /// It repeats another run: nobody's model asked for it.
    pub is_repetition: bool,
}

/// The answers of one upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// Calls that were sent by this run and answered.
    pub calls: usize,
    /// Tokens of the answers.
    pub tokens: usize,
}

impl Savings {
    /// Tokens of answers that were not given on. What a script gives is taken off whole, whatever it is made of.
    pub fn results(&self) -> usize {
        self.read().saturating_sub(self.given)
    }

    /// Tokens of all answers.
    pub fn read(&self) -> usize {
        self.upstreams.values().map(|answers| answers.tokens).sum()
    }

    /// The share of one upstream in [`Savings::results`].
    pub fn results_of(&self, upstream: &UpstreamName) -> usize {
        let own = self.upstreams.get(upstream).map_or(0, |answers| answers.tokens);
        let given = (own * self.given).checked_div(self.read()).unwrap_or(0);
        own.saturating_sub(given)
    }
}

/// What a run kept out; `None` if it kept nothing out: it has not ended with a value (whoever asked has to ask again, and what
/// it read then counts), or it is a call outside any script, whose answer was given on.
///
/// Each answer counts once, in the run that sent the call: not where a run repeats it from another's record, not a second time
/// where the call was sent again after a crash. What a script asks of Outboard itself, kept results among it, does not count.
pub fn savings(events: &[Event]) -> Option<Savings> {
    let (Event::Opened(opened), Event::Ended(Ending::Value(value))) = (events.first()?, events.last()?)
    else {
        return None;
    };
    if opened.source.is_empty() {
        return None;
    }
    let given = value.as_ref().map_or(0, |value| tokens(value.as_str()));
    let mut savings = Savings {
        given,
        namespaces: opened.namespaces.iter().map(|view| view.namespace.clone()).collect(),
        is_repetition: opened.origin.is_some(),
        ..Savings::default()
    };
    let mut sent = BTreeMap::<RequestId, &UpstreamName>::new();
    for event in events {
        match event {
            Event::Intended(intent) if is_own(opened, intent.request) => {
                sent.insert(intent.request, &intent.upstream);
            }
            Event::Delivered(delivery) => {
                if let Delivered::Settled { request, reply } = &delivery.what
                    && let Some(upstream) = sent.remove(request)
                {
                    let answers = savings.upstreams.entry(upstream.clone()).or_default();
                    answers.calls += 1;
                    answers.tokens += match reply {
                        Reply::Value(value) => tokens(value.as_str()),
                        Reply::Failed(failure) => tokens(&failure.message),
                    };
                }
            }
            _ => {}
        }
    }
    Some(savings)
}

/// Whether a run made a request itself.
fn is_own(opened: &Opened, request: RequestId) -> bool {
    opened.origin.as_ref().is_none_or(|origin| request >= origin.from)
}

fn tokens(text: &str) -> usize {
    if text.len() <= COUNTED { count_tokens(text) } else { estimate_tokens(text) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        clock::{RunTime, WallTime},
        ids::{ImageHash, RunId, ToolName},
        journal::{FORMAT, Intent, Origin, Resumed},
        json::Json,
        limits::Limits,
        ports::engine::{Delivery, GuestAsk, GuestRequest, NamespaceView, Stopped},
        reply::{FailureCode, ToolFailure},
    };

    fn opened(source: &str, from: Option<u32>) -> Event {
        Event::Opened(Box::new(Opened {
            format: FORMAT,
            run: RunId::from("r1"),
            source: source.to_owned(),
            language: outboard_script::Language::TypeScript,
            image: ImageHash::from(""),
            seed: [0; 32],
            started_at: WallTime(0),
            limits: Limits::default(),
            namespaces: vec![NamespaceView { namespace: Namespace::from("a"), tools: Vec::new() }],
            origin: from.map(|from| Origin { run: RunId::from("r0"), from: RequestId(from) }),
            principal: None,
        }))
    }

    fn asked(id: u32, of_outboard: bool) -> Event {
        let what = match of_outboard {
            true => GuestAsk::Result(Json::from(json!(["r7"]))),
            false => GuestAsk::Call {
                namespace: "a".into(),
                tool: "t".into(),
                arguments: Json::from(json!({})),
                paged: false,
            },
        };
        Event::Asked(GuestRequest { id: RequestId(id), what, position: None })
    }

    fn intended(id: u32, upstream: &str) -> Event {
        Event::Intended(Intent {
            request: RequestId(id),
            at: RunTime::default(),
            upstream: UpstreamName::from(upstream),
            namespace: Namespace::from("a"),
            tool: ToolName::from("t"),
            read_only: true,
            idempotent: true,
            allowed_by: String::new(),
        })
    }

    fn settled(id: u32, reply: Reply) -> Event {
        let what = Delivered::Settled { request: RequestId(id), reply };
        Event::Delivered(Delivery { at: RunTime::default(), what })
    }

    /// A value of so many tokens.
    fn words(count: usize) -> Reply {
        Reply::Value(Json::from(json!(vec![1; (count - 1) / 2])))
    }

    fn ended(value: usize) -> Event {
        let Reply::Value(value) = words(value) else { unreachable!() };
        Event::Ended(Ending::Value(Some(value)))
    }

    fn answers(calls: usize, tokens: usize) -> Answers {
        Answers { calls, tokens }
    }

    #[test]
    fn answers_count_once_and_what_is_given_on_is_taken_off() {
        let failure = ToolFailure::new(FailureCode::ToolError, "no");
        let events = [
            opened("return 1", None),
            asked(1, false),
            intended(1, "x"),
            asked(2, false),
            intended(2, "y"),
            settled(1, words(101)),
            asked(3, true),
            // Kept results were read by the run that kept them.
            settled(3, words(1_001)),
            Event::Resumed(Resumed { at: WallTime(1), image: ImageHash::from(""), let_go: false }),
            // Sent once more after a crash, and answered once.
            intended(2, "y"),
            settled(2, words(301)),
            asked(4, false),
            // Refused at the gate: never sent.
            settled(4, Reply::Failed(failure.clone())),
            asked(5, false),
            intended(5, "x"),
            settled(5, Reply::Failed(failure)),
            ended(41),
        ];
        let savings = savings(&events).unwrap();
        assert_eq!(savings.upstreams[&UpstreamName::from("x")], answers(2, 102));
        assert_eq!(savings.upstreams[&UpstreamName::from("y")], answers(1, 301));
        assert_eq!((savings.given, savings.results()), (41, 362));
        let shares = ["x", "y"].map(|name| savings.results_of(&UpstreamName::from(name)));
        assert!(shares.iter().sum::<usize>().abs_diff(362) <= 2, "{shares:?}");
        assert_eq!(savings.namespaces, [Namespace::from("a")]);
    }

    #[test]
    fn repetitions_failures_and_single_calls_claim_nothing_of_others() {
        let call = |id| [asked(id, false), intended(id, "x"), settled(id, words(101))];
        let run = |first: Event, last: Event| -> Vec<Event> {
            std::iter::once(first).chain(call(1)).chain(call(2)).chain([last]).collect()
        };
        let repeated = savings(&run(opened("x", Some(2)), ended(1))).unwrap();
        assert_eq!(repeated.upstreams[&UpstreamName::from("x")], answers(1, 101));
        assert!(repeated.is_repetition);
        for nothing in [
            run(opened("x", None), Event::Ended(Ending::Stopped(Stopped::Cancelled))),
            run(opened("", None), ended(1)),
            run(opened("x", None), asked(3, false)),
            Vec::new(),
        ] {
            assert_eq!(savings(&nothing), None);
        }
        // A value larger than all that was read is no negative saving.
        assert_eq!(savings(&run(opened("x", None), ended(9_001))).unwrap().results(), 0);
    }
}
