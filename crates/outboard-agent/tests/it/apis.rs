//! The same task over each API, streamed and not, with whatever goes wrong on the way.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_agent::{
    Agent, Bounds, Ended, Listing, Provider, ProviderFailure, Report, ToolAnswer, ToolDefinition, ToolUse,
    Toolbox, ToolboxFailure, Turn, Usage, Watcher,
    agent::Unwatched,
    billing::bill,
    provider::{
        Heard,
        anthropic::Anthropic,
        endpoint::{Endpoint, Key},
        openai::OpenAi,
        options::{Effort, Options},
        recording::Recording,
        retry::Patience,
        scripted::Scripted,
    },
    usage::Counted,
};
use outboard_testkit::model::FakeModel;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_util::sync::CancellationToken;

/// Adds numbers, and never answers `wait`.
struct Sums;

impl Toolbox for Sums {
    fn listing(&self) -> BoxFuture<'_, Result<Listing, ToolboxFailure>> {
        let add = ToolDefinition {
            name: "add".into(),
            description: "Adds.".into(),
            input_schema: json!({ "type": "object", "properties": { "a": { "type": "number" } } }),
        };
        let listing = Listing { instructions: Some("Sums only.".into()), tools: vec![add] };
        async move { Ok(listing) }.boxed()
    }

    fn call<'a>(
        &'a self,
        name: &'a str,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<ToolAnswer, ToolboxFailure>> {
        async move {
            match name {
                "add" => {
                    let sum: i64 =
                        input.as_object().into_iter().flatten().filter_map(|(_, n)| n.as_i64()).sum();
                    Ok(ToolAnswer { text: sum.to_string(), is_error: false })
                }
                "tell" => Ok(ToolAnswer { text: format!("KEY={KEY}"), is_error: false }),
                "wait" => std::future::pending().await,
                "break" => Err(ToolboxFailure("the server is gone".into())),
                other => Ok(ToolAnswer::error(format!("no tool `{other}`"))),
            }
        }
        .boxed()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Api {
    Anthropic,
    OpenAi,
}

const APIS: [(Api, bool); 4] =
    [(Api::Anthropic, true), (Api::Anthropic, false), (Api::OpenAi, true), (Api::OpenAi, false)];

const KEY: &str = "sk-very-secret";

fn provider(api: Api, stream: bool, model: &FakeModel) -> Box<dyn Provider> {
    let options = Options { stream, ..Options::default() };
    let short = Duration::from_millis(2);
    let patience = Patience {
        tries: 4,
        first: short,
        longest: short,
        asked: Duration::from_secs(5),
        ..Patience::default()
    };
    let key = Key::new(KEY);
    match api {
        Api::Anthropic => {
            let endpoint = Endpoint::at(&model.messages()).unwrap();
            Box::new(Anthropic::new(endpoint, key, "fake", options, patience).unwrap())
        }
        Api::OpenAi => {
            let endpoint = Endpoint::at(&model.completions()).unwrap();
            Box::new(OpenAi::new(endpoint, key, "fake", options, patience).unwrap())
        }
    }
}

async fn run(provider: &dyn Provider) -> Report {
    run_within(provider, Bounds::default(), &Unwatched, CancellationToken::new()).await
}

async fn run_within(
    provider: &dyn Provider,
    bounds: Bounds,
    watcher: &dyn Watcher,
    stop: CancellationToken,
) -> Report {
    let toolbox = &Sums;
    Agent { provider, toolbox, bounds, watcher, stop }.run("Be brief.", "What is 1 + 2, and 3 + 4?").await
}

fn sums() -> Vec<Value> {
    vec![
        json!({ "text": "Two sums.", "calls": [
            { "name": "add", "input": { "a": 1, "b": 2 } }, { "name": "add", "input": { "a": 3, "b": 4 } } ] }),
        json!({ "text": "", "calls": [{ "name": "nothing", "input": {} }] }),
        json!({ "text": "3 and 7 — done" }),
    ]
}

/// Notes what is heard.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Watcher for Notes {
    fn hears(&self, heard: &Heard<'_>) {
        let mut notes = self.0.lock().unwrap();
        match heard {
            Heard::Words(words) => notes.push((*words).to_owned()),
            Heard::Uses(_) => {}
            Heard::Again { why, .. } => notes.push(format!("again: {why}")),
        }
    }
}

#[tokio::test]
async fn a_task_is_done_over_every_api_and_both_sides_count_the_same() {
    for (api, stream) in APIS {
        let model = FakeModel::start(sums()).await;
        let notes = Notes::default();
        let provider = provider(api, stream, &model);
        let report = run_within(&*provider, Bounds::default(), &notes, CancellationToken::new()).await;
        assert_eq!(report.ended, Ended::Answered, "{api:?} {stream}");
        assert_eq!(report.answer.as_deref(), Some("3 and 7 — done"));
        let answers: Vec<(&str, bool)> = report
            .turns
            .iter()
            .flat_map(|turn| &turn.calls)
            .map(|call| (call.answer.as_deref().unwrap(), call.is_error))
            .collect();
        assert_eq!(answers, [("3", false), ("7", false), ("no tool `nothing`", true)]);
        // What the API billed, what we would have estimated, and what the fake counted in the requests that it got.
        let reported: Vec<Usage> = report.turns.iter().map(|turn| turn.usage).collect();
        let counted: Vec<Usage> = model
            .bills()
            .iter()
            .map(|bill| Usage { input: bill.input, output: bill.output, ..Usage::default() })
            .collect();
        assert_eq!(reported, counted);
        assert_eq!(report.counted(), Counted::Reported);
        let estimated: u64 = bill(&report.conversation).iter().map(Usage::total).sum();
        let reported: u64 = report.usage().total();
        // The line break between system prompt and instructions is the only difference.
        assert!(estimated.abs_diff(reported) <= 3, "{api:?}: {estimated} {reported}");
        assert!(model.keys().iter().all(|key| key.as_deref() == Some(KEY)));
        let heard = notes.0.lock().unwrap().concat();
        assert_eq!(heard, if stream { "Two sums.3 and 7 — done" } else { "" }, "{api:?}");
        let first = &model.requests()[0].to_string();
        assert!(first.contains("Be brief.") && first.contains("Sums only."), "{first}");
    }
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_nothing_is_called_twice() {
    for (api, stream) in APIS {
        let mut steps = vec![json!({ "status": 429, "retry_after": "0.01" }), json!({ "status": 529 })];
        if stream {
            steps.extend([json!({ "overloaded": true }), sums().remove(0), json!({ "cut": 4 })]);
        } else {
            steps.push(sums().remove(0));
        }
        steps.extend(sums().split_off(1));
        let model = FakeModel::start(steps).await;
        let notes = Notes::default();
        let provider = provider(api, stream, &model);
        let report = run_within(&*provider, Bounds::default(), &notes, CancellationToken::new()).await;
        assert_eq!(report.ended, Ended::Answered, "{api:?} {stream}");
        let retries: Vec<u32> = report.turns.iter().map(|turn| turn.retries).collect();
        assert_eq!(retries, if stream { [3, 1, 0] } else { [2, 0, 0] }, "{api:?}");
        assert_eq!(report.turns.iter().map(|turn| turn.calls.len()).sum::<usize>(), 3);
        // What an attempt had used before it broke off is told apart; chat completions tell it at the end alone.
        let given_up: Vec<bool> = report.turns.iter().map(|turn| turn.given_up.input > 0).collect();
        assert_eq!(
            given_up,
            [stream && api == Api::Anthropic, stream && api == Api::Anthropic, false],
            "{api:?}"
        );
        assert_eq!(report.given_up().0, if stream { 4 } else { 2 });
        let again = notes.0.lock().unwrap().iter().filter(|note| note.starts_with("again: ")).count();
        assert_eq!(again, if stream { 4 } else { 2 });
    }
}

#[tokio::test]
async fn what_will_not_pass_ends_at_once_and_says_why_without_the_key() {
    let echo = format!("invalid key {KEY}\u{1b}[2J");
    for (api, stream) in APIS {
        for (step, requests, part) in [
            (json!({ "status": 401, "message": echo }), 1, "HTTP 401: invalid key ***\\u{1b}"),
            (json!({ "status": 404, "message": "no such model" }), 1, "no such model"),
            (json!({ "status": 307, "location": "http://127.0.0.1:1/v1/messages" }), 1, "HTTP 307"),
            (json!({ "status": 429, "retry_after": "3600" }), 1, "asks to wait 3600 s"),
            (json!({ "status": 429, "type": "insufficient_quota", "message": "pay" }), 1, "HTTP 429: pay"),
            (json!({ "raw": "[]" }), 1, "no turn"),
            (json!({ "raw": "<html>" }), 1, "neither events nor JSON"),
        ] {
            let model = FakeModel::start(vec![step.clone(), json!({ "text": "too late" })]).await;
            let report = run(&*provider(api, stream, &model)).await;
            let Ended::Provider(failure) = &report.ended else { panic!("{step}: {:?}", report.ended) };
            let told = failure.to_string();
            assert!(told.contains(part) && !told.contains(KEY) && !told.contains('\u{1b}'), "{step}: {told}");
            assert_eq!(model.requests().len(), requests, "{step}");
        }
        let busy = FakeModel::start(vec![json!({ "status": 503 }); 9]).await;
        let report = run(&*provider(api, stream, &busy)).await;
        assert!(
            matches!(report.ended, Ended::Provider(ProviderFailure::Exhausted { tries: 4, .. })),
            "{:?}",
            report.ended
        );
        assert_eq!(busy.requests().len(), 4);
    }
}

#[tokio::test]
async fn nobody_there_is_told_of_and_an_agent_ends_when_it_is_told_to() {
    let model =
        FakeModel::start(vec![json!({ "text": "", "calls": [{ "name": "wait", "input": {} }] })]).await;
    let stop = CancellationToken::new();
    let soon = stop.clone();
    let provider_of = provider(Api::Anthropic, true, &model);
    struct Stops(CancellationToken);
    impl Watcher for Stops {
        fn said(&self, _: &Turn, _: Usage, _: Counted) {
            self.0.cancel();
        }
    }
    let began = Instant::now();
    let report = run_within(&*provider_of, Bounds::default(), &Stops(soon), stop).await;
    assert_eq!((report.ended, report.turns.len()), (Ended::Interrupted, 1));
    assert!(began.elapsed() < Duration::from_secs(10));
    let gone = provider(Api::OpenAi, true, &model);
    let address = model.completions();
    drop(model);
    let report = run(&*gone).await;
    let Ended::Provider(failure) = &report.ended else { panic!("{address}: {:?}", report.ended) };
    assert!(failure.to_string().contains("127.0.0.1"), "{failure}");
}

/// Stops an agent as soon as a call is answered, and notes which are not.
struct StopsAtAnswer(CancellationToken, Mutex<Vec<String>>);

impl Watcher for StopsAtAnswer {
    fn answered(&self, _: &ToolUse, _: &ToolAnswer, _: Duration) {
        self.0.cancel();
    }

    fn unanswered(&self, call: &ToolUse) {
        self.1.lock().unwrap().push(call.name.clone());
    }
}

#[tokio::test]
async fn what_was_answered_before_an_interrupt_or_beside_a_failure_is_reported() {
    let call = |name: &str| json!({ "name": name, "input": { "a": 1, "b": 2 } });
    for (other, ended) in
        [("wait", Ended::Interrupted), ("break", Ended::Tools(ToolboxFailure("the server is gone".into())))]
    {
        let model = FakeModel::start(vec![json!({ "calls": [call("add"), call(other)] })]).await;
        let stop = CancellationToken::new();
        let stops = if other == "wait" { stop.clone() } else { CancellationToken::new() };
        let watcher = StopsAtAnswer(stops, Mutex::default());
        let report =
            run_within(&*provider(Api::Anthropic, true, &model), Bounds::default(), &watcher, stop).await;
        assert_eq!(report.ended, ended);
        let answers: Vec<Option<&str>> =
            report.turns[0].calls.iter().map(|call| call.answer.as_deref()).collect();
        assert_eq!(answers, [Some("3"), None], "{other}");
        assert_eq!(*watcher.1.lock().unwrap(), [other]);
    }
}

#[tokio::test]
async fn agents_stop_at_their_bounds_and_at_reasons_to_stop() {
    let call = json!({ "calls": [{ "name": "add", "input": { "a": 1 } }] });
    for (api, stop, expected) in [
        (Api::Anthropic, "max_tokens", Ended::Cut),
        (Api::OpenAi, "length", Ended::Cut),
        (Api::Anthropic, "refusal", Ended::Refused),
        (Api::OpenAi, "content_filter", Ended::Refused),
        (Api::Anthropic, "model_context_window_exceeded", Ended::ContextFull),
        (Api::Anthropic, "tool_use", Ended::Stopped("it waits for tools and called none".into())),
        (Api::Anthropic, "novelty", Ended::Stopped("novelty".into())),
    ] {
        let model = FakeModel::start(vec![json!({ "text": "half", "stop": stop })]).await;
        assert_eq!(run(&*provider(api, true, &model)).await.ended, expected, "{stop}");
    }
    let model = FakeModel::start(vec![call.clone(); 9]).await;
    let provider_of = provider(Api::Anthropic, true, &model);
    for (bounds, expected, turns) in [
        (Bounds { turns: 3, tokens: 1_000_000 }, Ended::Turns, 3),
        (Bounds { turns: 50, tokens: 1 }, Ended::Tokens, 1),
    ] {
        let report = run_within(&*provider_of, bounds, &Unwatched, CancellationToken::new()).await;
        assert_eq!((report.ended, report.turns.len()), (expected, turns));
    }
    let model = FakeModel::start(vec![json!({ "calls": [{ "name": "break", "input": {} }] })]).await;
    let report = run(&*provider(Api::OpenAi, false, &model)).await;
    assert_eq!(report.ended, Ended::Tools(ToolboxFailure("the server is gone".into())));
    let paused = vec![json!({ "text": "hm", "stop": "pause_turn" }), json!({ "text": "done" })];
    let model = FakeModel::start(paused).await;
    let report = run(&*provider(Api::Anthropic, true, &model)).await;
    assert_eq!((report.ended, report.answer.as_deref()), (Ended::Answered, Some("done")));
    // What was said beside a call is no answer, and neither is nothing.
    let guessed = vec![json!({ "text": "It is 30.", "calls": call["calls"] }), json!({ "text": " " })];
    let model = FakeModel::start(guessed).await;
    let report = run(&*provider(Api::Anthropic, true, &model)).await;
    assert_eq!((report.ended, report.answer), (Ended::Silent, None));
}

#[tokio::test]
async fn what_is_recorded_plays_again_without_a_model() {
    let model = FakeModel::start(sums()).await;
    let live = provider(Api::Anthropic, true, &model);
    let recording = Recording::of(&*live, Some("fake"));
    let first = run(&recording).await;
    let text = serde_json::to_string(&recording.recorded()).unwrap();
    assert!(!text.contains(KEY) && !text.contains("Be brief"), "{text}");
    let again = run(&Scripted::recorded(&text).unwrap()).await;
    assert_eq!(again.answer, first.answer);
    assert_eq!(again.usage(), first.usage());
    let calls = |report: &Report| -> Vec<ToolUse> {
        let uses = report.conversation.turns().flat_map(|turn| turn.calls.clone());
        uses.map(|call| ToolUse { id: String::new(), ..call }).collect()
    };
    assert_eq!(calls(&again), calls(&first));
    assert!(Scripted::recorded(&text.replacen("\"format\":1", "\"format\":9", 1)).is_err());
}

/// A server that says this to whoever asks, and then nothing more; how often it was asked.
async fn falls_silent(said: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            // Whoever hears before it has asked does not listen.
            stream.read_u8().await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            kept.push(stream);
        }
    });
    (format!("http://{address}/v1/messages"), asked)
}

#[tokio::test]
async fn a_server_that_falls_silent_is_given_up_wherever_it_does_and_asked_once() {
    for said in [
        "",
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"type\":\"ping\"}\n\n",
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
    ] {
        let (url, asked) = falls_silent(said).await;
        let patience = Patience { silence: Duration::from_millis(50), ..Patience::default() };
        let endpoint = Endpoint::at(&url).unwrap();
        let provider = Anthropic::new(endpoint, Key::new(KEY), "fake", Options::default(), patience).unwrap();
        let report = run(&provider).await;
        let Ended::Provider(failure) = &report.ended else { panic!("{said}: {:?}", report.ended) };
        assert!(failure.to_string().contains("it has sent nothing for too long"), "{said}: {failure}");
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{said}");
    }
}

/// A server that answers whoever asks with a stream of these bytes, each in a chunk of its own.
async fn says_byte_by_byte(said: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (address, asked) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&asked);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut answer = head.as_bytes().to_vec();
    for byte in said.bytes() {
        answer.extend_from_slice(b"1\r\n");
        answer.push(byte);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    tokio::spawn(async move {
        let mut kept = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut request = vec![0; 64 << 10];
            let _ = stream.read(&mut request).await.unwrap();
            stream.write_all(&answer).await.unwrap();
            kept.push(stream);
        }
    });
    (format!("http://{address}"), asked)
}

/// Streams as the formats allow them: lines that end in one way or another, comments, fields that nobody knows, data in several
/// lines, and no empty line at the end.
#[tokio::test]
async fn streams_are_read_however_they_are_cut_and_with_what_they_say_of_caches() {
    let messages = [
        r#"{"type":"message_start","message":{"usage":{"input_tokens":3,"cache_read_input_tokens":50,"cache_creation_input_tokens":7,"output_tokens":1}}}"#,
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        "{\"type\":\"content_block_delta\",\ndata: \"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"3 ä😀\"}}",
        r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}"#,
        r#"{"type":"message_stop"}"#,
    ];
    let completions = [
        "{\"choices\":[{\"delta\":\ndata:{\"content\":\"3 ä😀\"}}]}",
        r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":60,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":50}}}"#,
        "[DONE]",
    ];
    for (api, events, usage) in [
        (Api::Anthropic, &messages[..], Usage { input: 3, cache_read: 50, cache_write: 7, output: 9 }),
        (Api::OpenAi, &completions[..], Usage { input: 10, cache_read: 50, cache_write: 0, output: 9 }),
    ] {
        let events: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        let said = format!(": welcome\n\nretry: 10\nid: 1\nodd\n\n{}", events.join(": ping\n\n"));
        for said in [said.clone(), said.replace('\n', "\r\n"), said.trim_end().to_owned() + "\n"] {
            let (url, asked) = says_byte_by_byte(said.clone()).await;
            let url = if api == Api::Anthropic { url + "/v1/messages" } else { url + "/v1" };
            let (endpoint, options) = (Endpoint::at(&url).unwrap(), Options::default());
            let patience = Patience { tries: 1, ..Patience::default() };
            let provider: Box<dyn Provider> = match api {
                Api::Anthropic => Box::new(Anthropic::new(endpoint, None, "m", options, patience).unwrap()),
                Api::OpenAi => Box::new(OpenAi::new(endpoint, None, "m", options, patience).unwrap()),
            };
            let report = run(&*provider).await;
            let told = (report.ended, report.answer.as_deref());
            assert_eq!(told, (Ended::Answered, Some("3 ä😀")), "{said:?}");
            assert_eq!((report.turns[0].usage, asked.load(Ordering::SeqCst)), (usage, 1), "{said:?}");
        }
    }
}

#[tokio::test]
async fn effort_is_asked_for_of_chat_completions_alone_and_only_if_it_is_wanted() {
    for (effort, sent) in [(None, Value::Null), (Some(Effort::Low), json!("low"))] {
        let model = FakeModel::start(vec![json!({ "text": "a" }); 2]).await;
        let options = Options { effort, ..Options::default() };
        let completions = Endpoint::at(&model.completions()).unwrap();
        run(&OpenAi::new(completions, None, "m", options, Patience::default()).unwrap()).await;
        let messages = Endpoint::at(&model.messages()).unwrap();
        run(&Anthropic::new(messages, None, "m", options, Patience::default()).unwrap()).await;
        let asked: Vec<Value> =
            model.requests().iter().map(|body| body["reasoning_effort"].clone()).collect();
        assert_eq!(asked, [sent, Value::Null]);
    }
}

#[tokio::test]
async fn a_key_that_is_given_back_stands_nowhere() {
    let steps = || {
        let input = json!({ "a": format!("x {KEY}"), KEY: [KEY] });
        vec![
            json!({ "text": format!("I was sent {KEY}."), "calls": [{ "name": "tell", "input": input }] }),
            json!({ "text": format!("It is {KEY}") }),
        ]
    };
    for (api, stream) in APIS {
        let model = FakeModel::start(steps()).await;
        let (live, notes) = (provider(api, stream, &model), Notes::default());
        let recording = Recording::of(&*live, None);
        let report = run_within(&recording, Bounds::default(), &notes, CancellationToken::new()).await;
        assert_eq!(report.answer.as_deref(), Some("It is ***"), "{api:?} {stream}");
        assert_eq!(report.turns[0].calls[0].answer.as_deref(), Some("KEY=***"));
        let heard = notes.0.lock().unwrap().concat();
        for written in [
            format!("{report:?}"),
            serde_json::to_string(&report.turns).unwrap(),
            serde_json::to_string(&recording.recorded()).unwrap(),
            model.requests()[1].to_string(),
            heard.clone(),
        ] {
            assert!(!written.contains(KEY), "{api:?} {stream}: {written}");
        }
        assert_eq!(heard, if stream { "I was sent ***.It is ***" } else { "" }, "{api:?}");
    }
}

#[tokio::test]
async fn what_a_turn_had_used_that_never_came_is_in_the_bill() {
    let call = json!({ "calls": [{ "name": "add", "input": { "a": 1 } }] });
    let mut steps = vec![call.clone()];
    steps.extend(vec![json!({ "cut": 4 }); 4]);
    steps.push(call);
    let model = FakeModel::start(steps).await;
    let report = run(&*provider(Api::Anthropic, true, &model)).await;
    assert!(matches!(report.ended, Ended::Provider(ProviderFailure::Exhausted { tries: 4, .. })));
    let (tries, used) = report.given_up();
    let first = report.usage().input;
    assert_eq!((tries, report.turns.len()), (4, 1));
    assert!(used.input > 4 * first && used.input < 8 * first, "{used:?} {first}");
    // A turn that is broken off while it is said had been begun, too.
    let model = FakeModel::start(sums()).await;
    struct Stops(CancellationToken);
    impl Watcher for Stops {
        fn hears(&self, heard: &Heard<'_>) {
            if matches!(heard, Heard::Words(_)) {
                self.0.cancel();
            }
        }
    }
    let stop = CancellationToken::new();
    let provider = provider(Api::Anthropic, true, &model);
    let report = run_within(&*provider, Bounds::default(), &Stops(stop.clone()), stop).await;
    if report.ended == Ended::Interrupted && report.turns.is_empty() {
        assert!(report.given_up().0 == 1 && report.given_up().1.input > 0, "{:?}", report.given_up());
    } else {
        assert_eq!(report.turns.len(), 1, "all of it had come at once");
    }
}
