//! What runs kept out of the context, as `outboard stats` tells it, with nothing counted twice.

use outboard_testkit::client::eventually;
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, Session};

fn stats(session: &Session, arguments: &[&str]) -> Value {
    // Lists tell of an end some milliseconds after the answer.
    eventually("every run is over", || {
        let runs = json_of(session, &["runs", "--json"]);
        runs["runs"].as_array().unwrap().iter().all(|run| run["state"] != "running")
    });
    json_of(session, &[&["stats", "--json"], arguments].concat())
}

fn json_of(session: &Session, arguments: &[&str]) -> Value {
    let output = session.home.command(OUTBOARD, arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn all(stats: &Value, what: &str) -> i64 {
    stats["all"][what].as_i64().unwrap()
}

#[test]
fn results_count_once_however_often_they_are_read_or_replayed() {
    let mut session = Session::with(&["--tools", "60"]);
    let big = "const r = await fix.big({ bytes: 20000, form: 'records' }); return r.records.length";
    assert_eq!(session.client.execute(big), "200");
    let once = stats(&session, &[]);
    let (results, definitions) = (all(&once, "results"), all(&once, "definitions"));
    assert!((5_000..12_000).contains(&results), "{once:#}");
    // The fixture's tools and sixty more, less Outboard's own two.
    assert!(definitions > 1_000, "{once:#}");
    assert_eq!((all(&once, "runs"), all(&once, "calls")), (1, 1));
    // All that is given on was not kept out, and a failed script kept out nothing: the model read why.
    session.client.execute("return await fix.big({ bytes: 10000, form: 'records' })");
    session.client.failing("await fix.big({ bytes: 20000, form: 'records' }); throw new Error('no')");
    let more = stats(&session, &[]);
    // As it is shown to a model it takes somewhat more or less than as it was sent.
    assert!((all(&more, "results") - results).abs() < 500, "{more:#}");
    // What follows within a moment is taken for the same turn, and this machine may have been slow or quick.
    assert!([definitions, definitions / 2 * 3].contains(&all(&more, "definitions")), "{more:#}");
    assert_eq!(all(&more, "runs"), 3);
    assert_eq!(more["runsThatCountNothing"], 0);
    // A replay sends nothing, and calls that are made anew are nobody's model's.
    let run = once["runs"][0]["run"].as_str().unwrap();
    for replay in [&["replay", run][..], &["replay", run, "--from", "1"]] {
        let replayed = session.home.command(OUTBOARD, replay).output().unwrap();
        assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
        assert_eq!(stats(&session, &[])["all"], more["all"]);
    }
    let direct = session.home.command(OUTBOARD, &["call", "fix.big", r#"{"bytes":20000}"#]).output().unwrap();
    assert!(direct.status.success());
    let last = stats(&session, &[]);
    assert_eq!(last["all"], more["all"], "a single call gives its answer on");
    let parts = |of: &str, what: &str| -> i64 {
        last[of].as_object().unwrap().values().map(|kept| kept[what].as_i64().unwrap()).sum()
    };
    for of in ["days", "upstreams"] {
        assert_eq!(parts(of, "results"), all(&last, "results"), "{last:#}");
        assert_eq!(parts(of, "definitions"), all(&last, "definitions"));
    }
    assert_eq!(stats(&session, &["--days", "0"])["all"]["runs"], json!(0));
    // Definitions are those of the directory that a run was begun in, wherever somebody asks.
    let elsewhere = session.home.project().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    let mut asked = session.home.command(OUTBOARD, &["stats", "--json"]);
    let asked = asked.current_dir(&elsewhere).output().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&asked.stdout).unwrap()["all"], last["all"]);
    let text = session.home.command(OUTBOARD, &["stats"]).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(text.contains("tokens kept out in 3 runs") && text.contains("fix "), "{text}");
}

#[test]
fn what_the_model_read_is_taken_off_once_wherever_it_read_it() {
    let mut session = Session::with(&[]);
    let results = |session: &Session| all(&stats(session, &[]), "results");
    // What Outboard cut is kept out until a script shows it.
    let shown = session.client.execute("return await fix.big({ bytes: 60000, form: 'records' })");
    let (_, handle) = shown.rsplit_once("results.get(\"").unwrap();
    let (handle, _) = handle.split_once('"').unwrap();
    let cut = results(&session);
    assert!((15_000..30_000).contains(&cut), "{cut}");
    session.client.execute(&format!("return (await results.get('{handle}')).records.slice(0, 60)"));
    let read = cut - results(&session);
    assert!((1_500..4_000).contains(&read), "{read}");
    // What is printed is read too, also where the script fails afterwards.
    for code in
        ["console.log(JSON.stringify(text))", "console.log(JSON.stringify(text)); throw new Error('no')"]
    {
        let before = results(&session);
        let code = format!("const text = Array(1000).fill(1); {code}");
        session.client.call("execute", json!({ "code": code }));
        let printed = before - results(&session);
        assert!((2_000..2_300).contains(&printed), "{code}: {printed}");
    }
    // And what a search finds, in a turn that a direct client would not have taken.
    let before = stats(&session, &[]);
    let (_, found) = session.client.call("search", json!({ "query": "add numbers" }));
    session.client.execute("return 1");
    let after = stats(&session, &[]);
    let took = all(&before, "results") - all(&after, "results");
    let length = i64::try_from(found.len()).unwrap();
    assert!((length / 8..length).contains(&took), "{took} of {length}");
    // Why a script was not run is read, too.
    session.client.failing("return await fix.nothing({})");
    session.client.execute("return 1");
    assert!(results(&session) < all(&after, "results") - 10);
    let own = -after["upstreams"]["(no upstream)"]["definitions"].as_i64().unwrap();
    assert!((200..1_500).contains(&own), "{after:#}");
}

#[test]
fn two_agents_at_once_take_turns_of_their_own() {
    let mut session = Session::with(&["--tools", "60"]);
    let mut other = session.again();
    let (one, two) = (
        session.client.ask("tools/call", json!({ "name": "execute", "arguments": { "code": "return 1" } })),
        other.ask("tools/call", json!({ "name": "execute", "arguments": { "code": "return 1" } })),
    );
    session.client.called(one);
    let alone = all(&stats(&session, &["--number", "0"]), "definitions");
    other.called(two);
    let both = stats(&session, &[]);
    let definitions: Vec<i64> =
        both["runs"].as_array().unwrap().iter().map(|run| run["definitions"].as_i64().unwrap()).collect();
    assert!(alone > 1_000 && definitions.len() == 2, "{both:#}");
    assert_eq!(definitions[0], definitions[1]);
}
