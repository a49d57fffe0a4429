//! What a run kept out of the context of whoever asked for it: results that a script or a program read and the model did not.
//! Counted from the record, with the o200k tokenizer: an estimate, and meant never to say too much. It knows no definitions of
//! tools.

use std::collections::BTreeMap;

use super::{Ending, Event, Folded, Reader, Shown, fold};
use crate::{
    ids::{Namespace, RequestId, UpstreamName},
    json::Json,
    ports::engine::{Delivered, Reply},
    present::{self, count_tokens, estimate_tokens},
    run::RunReport,
};

/// Longer texts are not counted but estimated by their length.
const COUNTED: usize = 4 << 20;
/// As long as what is said of the whole of a value that is cut.
const KEPT: &str = "is kept as r1000_q7z0x9j4k2v8w1y6: read it in a script with `await results.get(\"r1000_q7z0x9j4k2v8w1y6\")`";

/// What a run kept out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Savings {
    /// By upstream, what its answers would have cost to read.
    pub upstreams: BTreeMap<UpstreamName, Answers>,
    /// What its answer cost to read: value, console and error as they were presented.
    pub given: usize,
    /// The namespaces that it could see.
    pub namespaces: Vec<Namespace>,
    /// What it was.
    pub by: By,
    /// What its model was shown before it, of which there is no record.
    pub before: Shown,
}

/// What made the calls of a run, and so who reads what it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// A script, whose answer its author reads.
    Script {
        /// It came to its end.
        ended: bool,
    },
    /// Nothing did: it is a command that a model ran in its workspace, and read the answer of. Its programs' calls have records
    /// of their own.
    Command,
    /// A program in a model's workspace. What it prints is in the answer of a command.
    Program,
    /// A program anywhere. Who reads what it prints, nobody knows: what it kept out, if anything, is not known either.
    Somebody,
}

impl Default for By {
    fn default() -> Self {
        Self::Script { ended: true }
    }
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
    /// Tokens of answers that were not given on. What a model reads is taken off whole, whatever it is made of: a run that gives
    /// more than it read, kept results of others for example, is negative, so that sums over runs are right.
    pub fn results(&self) -> i64 {
        signed(self.read()) - signed(self.given)
    }

    /// Tokens of all answers.
    pub fn read(&self) -> usize {
        self.upstreams.values().map(|answers| answers.tokens).sum()
    }

    /// The share of each upstream in [`Savings::results`]. Together they are all of it, unless the run called nobody.
    pub fn shares(&self) -> Vec<(&UpstreamName, i64)> {
        let tokens: Vec<usize> = self.upstreams.values().map(|answers| answers.tokens).collect();
        let given = split(self.given, &tokens);
        let own = self.upstreams.iter().zip(given);
        own.map(|((upstream, answers), given)| (upstream, signed(answers.tokens) - signed(given))).collect()
    }
}

/// A number in parts by these weights, which together are all of it.
pub fn split(whole: usize, weights: &[usize]) -> Vec<usize> {
    let all: u128 = weights.iter().map(|weight| *weight as u128).sum();
    let (mut before, mut given) = (0, 0);
    let parts = weights.iter().enumerate().map(|(at, weight)| {
        before += *weight as u128;
        let until = match at + 1 == weights.len() {
            true => whole,
            false => usize::try_from((whole as u128 * before).checked_div(all).unwrap_or(0)).unwrap_or(whole),
        };
        let part = until - given;
        given = until;
        part
    });
    parts.collect()
}

/// Tokens that may be fewer than none.
pub fn signed(tokens: usize) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

/// What a run kept out; `None` if it says nothing of that: it has not ended, it repeats another, or it is a call whose answer was
/// given on to whoever asked.
///
/// Each answer counts once, in the run that sent the call: not a second time where the call was sent again after a crash. What a
/// script asks of Outboard itself, kept results among it, does not count. A script that failed kept nothing out, because whoever
/// wrote it has to ask again, and what that reads then counts; what it said is taken off all the same.
pub fn savings(events: &[Event]) -> Option<Savings> {
    let folded = fold(events).ok()?;
    let (opened, ending) = (&folded.opened, folded.ending.as_ref()?);
    if opened.origin.is_some() {
        return None;
    }
    let is_script = !opened.source.is_empty();
    let by = match (is_script, opened.reading.reader) {
        (true, _) => By::Script { ended: matches!(ending, Ending::Value(_)) },
        (false, Some(Reader::Model)) => By::Command,
        (false, Some(Reader::Workspace)) => By::Program,
        (false, Some(Reader::Unknown)) => By::Somebody,
        (false, Some(Reader::Asker) | None) => return None,
    };
    let upstreams = match by {
        By::Script { ended: false } | By::Command => BTreeMap::new(),
        By::Script { ended: true } | By::Program | By::Somebody => read(events),
    };
    let given = match (by, ending) {
        (By::Script { .. }, _) => given(&folded),
        (By::Command, Ending::Value(Some(value))) => value.read::<String>().map_or(0, |text| tokens(&text)),
        (By::Command | By::Program | By::Somebody, _) => 0,
    };
    let namespaces = opened.namespaces.iter().map(|view| view.namespace.clone()).collect();
    Some(Savings { upstreams, given, namespaces, by, before: opened.reading.before })
}

/// What the model read of a script: as it was presented, if it is known in how many tokens, else its value whole.
fn given(folded: &Folded) -> usize {
    let console =
        |folded: &Folded| -> usize { folded.wrote.lines.iter().map(|line| tokens(&line.text)).sum() };
    match (folded.opened.reading.budget, &folded.ending) {
        (None, Some(Ending::Value(value))) => value.as_ref().map_or(0, value_tokens) + console(folded),
        (budget, _) => {
            let budget = budget.unwrap_or(present::DEFAULT_BUDGET);
            let report = RunReport::recorded(folded, Vec::new());
            report.map_or(0, |report| tokens(&present::answer_once(&report, KEPT, budget).text))
        }
    }
}

/// By upstream, the answers of calls that were sent.
fn read(events: &[Event]) -> BTreeMap<UpstreamName, Answers> {
    let mut upstreams = BTreeMap::<UpstreamName, Answers>::new();
    let mut sent = BTreeMap::<RequestId, &UpstreamName>::new();
    for event in events {
        match event {
            Event::Intended(intent) => {
                sent.insert(intent.request, &intent.upstream);
            }
            Event::Delivered(delivery) => {
                if let Delivered::Settled { request, reply } = &delivery.what
                    && let Some(upstream) = sent.remove(request)
                {
                    let answers = upstreams.entry(upstream.clone()).or_default();
                    answers.calls += 1;
                    answers.tokens += match reply {
                        Reply::Value(value) => value_tokens(value),
                        Reply::Failed(failure) => tokens(&failure.message),
                    };
                }
            }
            _ => {}
        }
    }
    upstreams
}

/// Pictures and sounds, which no client shows as text, count as what stands for them in ours, and so do the bytes of resources:
/// what a model pays for them differs from one to another.
fn value_tokens(value: &Json) -> usize {
    match present::without_media(value) {
        Some(shown) => tokens(shown.as_str()),
        None => tokens(value.as_str()),
    }
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
        journal::{FORMAT, Intent, Opened, Origin, Reading, Resumed, Wrote},
        limits::Limits,
        ports::engine::{
            ConsoleLevel, ConsoleLine, Delivery, GuestAsk, GuestRequest, NamespaceView, Stopped, Thrown,
        },
        reply::{FailureCode, ToolFailure},
    };

    fn opened(source: &str, from: Option<u32>) -> Event {
        opened_for(source, from, Reading::default())
    }

    fn opened_for(source: &str, from: Option<u32>, reading: Reading) -> Event {
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
            reading,
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
        let shares: Vec<i64> = savings.shares().into_iter().map(|(_, share)| share).collect();
        assert_eq!(shares, [92, 270]);
        assert_eq!(savings.namespaces, [Namespace::from("a")]);
    }

    #[test]
    fn repetitions_failures_and_single_calls_claim_nothing_of_others() {
        let call = |id| [asked(id, false), intended(id, "x"), settled(id, words(101))];
        let run = |first: Event, last: Event| -> Vec<Event> {
            std::iter::once(first).chain(call(1)).chain(call(2)).chain([last]).collect()
        };
        let read_by = |reader| Reading { reader: Some(reader), ..Reading::default() };
        for nothing in [
            run(opened("x", Some(2)), ended(1)),
            run(opened("", None), ended(1)),
            run(opened_for("", None, read_by(Reader::Asker)), ended(1)),
            run(opened("x", None), asked(3, false)),
            Vec::new(),
        ] {
            assert_eq!(savings(&nothing), None);
        }
        // Of a script that failed the model read why, and nothing else is known to be spared.
        let failed =
            savings(&run(opened("x", None), Event::Ended(Ending::Stopped(Stopped::Cancelled)))).unwrap();
        assert_eq!((failed.read(), failed.by), (0, By::Script { ended: false }));
        assert!((-60..0).contains(&failed.results()), "{}", failed.results());
        // A value larger than all that was read was read by somebody else, who counts it: here it is taken off.
        assert_eq!(savings(&run(opened("x", None), ended(9_001))).unwrap().results(), 202 - 9_001);
        let idle = savings(&[opened("x", None), ended(11)]).unwrap();
        assert_eq!((idle.results(), idle.shares()), (-11, Vec::new()));
    }

    #[test]
    fn pictures_are_not_counted_as_text() {
        let data = "QUJD".repeat(4_000);
        let blob =
            json!({ "type": "resource", "resource": { "uri": "a:b", "mimeType": "x/y", "blob": data } });
        let image = json!({ "type": "image", "data": data, "mimeType": "image/png" });
        for media in
            [json!([blob]), json!([image]), json!({ "seen": [{ "type": "text", "text": "a" }, image, blob] })]
        {
            let events = [
                opened("x", None),
                asked(1, false),
                intended(1, "x"),
                settled(1, Reply::Value(Json::from(media.clone()))),
                Event::Ended(Ending::Value(Some(Json::from(media.clone())))),
            ];
            let savings = savings(&events).unwrap();
            assert!((5..80).contains(&savings.read()), "{}", savings.read());
            assert_eq!(savings.results(), 0);
        }
    }

    #[test]
    fn parts_are_all_of_the_whole() {
        for (whole, weights, parts) in [
            (10, &[1, 1, 1][..], &[3, 3, 4][..]),
            (5, &[0, 0], &[0, 5]),
            (7, &[], &[]),
            (usize::MAX, &[usize::MAX], &[usize::MAX]),
        ] {
            assert_eq!(split(whole, weights), parts);
        }
    }

    fn presented(budget: usize) -> Reading {
        Reading { budget: Some(budget), ..Reading::default() }
    }

    fn given_of(reading: Reading, last: Vec<Event>) -> usize {
        let call = [asked(1, false), intended(1, "x"), settled(1, words(20_001))];
        let first = opened_for("return 1", None, reading);
        savings(&std::iter::once(first).chain(call).chain(last).collect::<Vec<_>>()).unwrap().given
    }

    #[test]
    fn what_is_taken_off_is_what_the_model_read() {
        // What Outboard cut was not read. Whoever reads it later reads it there.
        let cut = given_of(presented(1_000), vec![ended(20_001)]);
        assert!((700..1_100).contains(&cut), "{cut}");
        let whole = given_of(presented(30_000), vec![ended(20_001)]);
        assert!((20_001..20_100).contains(&whole), "{whole}");
        // Not every record says how it was presented.
        assert_eq!(given_of(Reading::default(), vec![ended(20_001)]), 20_001);
        let line = ConsoleLine { level: ConsoleLevel::Log, text: vec!["1"; 400].join(",") };
        let wrote = || Event::Wrote(Wrote { lines: vec![line.clone()], dropped: 0 });
        assert_eq!(given_of(Reading::default(), vec![wrote(), ended(11)]), 11 + 799);
        let printed = given_of(presented(6_000), vec![wrote(), ended(11)]);
        assert!((810..840).contains(&printed), "{printed}");
        let thrown = Thrown { name: "Error".into(), message: "no".into(), tool: None, frames: Vec::new() };
        let failed = given_of(presented(6_000), vec![wrote(), Event::Ended(Ending::Threw(thrown))]);
        assert!((800..900).contains(&failed), "{failed}");
    }

    #[test]
    fn programs_calls_are_kept_out_by_who_reads_what_they_print() {
        let call = || vec![asked(1, false), intended(1, "x"), settled(1, words(101)), ended(101)];
        let of = |reader, rest: Vec<Event>| {
            let first = opened_for("", None, Reading { reader: Some(reader), ..Reading::default() });
            savings(&std::iter::once(first).chain(rest).collect::<Vec<_>>()).unwrap()
        };
        let inside = of(Reader::Workspace, call());
        assert_eq!((inside.by, inside.read(), inside.results()), (By::Program, 101, 101));
        assert_eq!(of(Reader::Unknown, call()).by, By::Somebody);
        let text = Json::string("exit 0\n1,1,1");
        let command = [
            asked(1, false),
            settled(1, Reply::Value(text.clone())),
            Event::Ended(Ending::Value(Some(text))),
        ];
        let command = of(Reader::Model, command.to_vec());
        assert_eq!((command.by, command.results()), (By::Command, -(count_tokens("exit 0\n1,1,1") as i64)));
    }
}
