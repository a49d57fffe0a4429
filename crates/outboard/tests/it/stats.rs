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
    // All that is given on was not kept out, a failed script kept out nothing, and neither did one that reads what is kept.
    session.client.execute("return await fix.big({ bytes: 20000, form: 'records' })");
    session.client.failing("await fix.big({ bytes: 20000, form: 'records' }); throw new Error('no')");
    let more = stats(&session, &[]);
    assert!((all(&more, "results") - results).abs() < 50, "{more:#}");
    // What follows within a moment is taken for the same turn, and this machine may have been slow or quick.
    assert!([definitions, 2 * definitions].contains(&all(&more, "definitions")), "{more:#}");
    assert_eq!(all(&more, "runs"), 2);
    assert_eq!(more["runsThatCountNothing"], 1);
    // A replay sends nothing, and one call that is made anew counts alone, without definitions.
    let run = once["runs"][0]["run"].as_str().unwrap();
    let replayed = session.home.command(OUTBOARD, &["replay", run]).output().unwrap();
    assert!(replayed.status.success(), "{}", String::from_utf8_lossy(&replayed.stderr));
    assert_eq!(stats(&session, &[])["all"], more["all"]);
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
    assert!(text.contains("tokens kept out in 2 runs") && text.contains("fix "), "{text}");
}
