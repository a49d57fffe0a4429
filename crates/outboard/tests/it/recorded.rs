//! The commands over what is recorded: `runs`, `show`, `replay`, `resume` and `runs prune`.

use std::{fs, process::Output};

use outboard_testkit::client::Home;
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, fixture};

fn home(settings: Value) -> Home {
    let home = Home::new();
    let effects = home.project().join("effects");
    let mut configuration = settings;
    configuration["policy"] = json!({"otherwise": "allow"});
    configuration["mcpServers"] = json!({"fix": fixture(&["--effects", effects.to_str().unwrap()])});
    home.configure(&configuration);
    home
}

fn outboard(home: &Home, arguments: &[&str]) -> Output {
    home.command(OUTBOARD, arguments).output().unwrap()
}

fn text(output: &Output) -> (bool, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.success(), text(&output.stdout), text(&output.stderr))
}

fn value(home: &Home, arguments: &[&str]) -> Value {
    let (_, out, err) = text(&outboard(home, arguments));
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("{arguments:?}: {out}{err}"))
}

fn run(home: &Home, script: &str) -> Output {
    let file = home.project().join("script.ts");
    fs::write(&file, script).unwrap();
    outboard(home, &["run", "script.ts"])
}

fn newest(home: &Home) -> String {
    value(home, &["runs", "--json"])["runs"][0]["run"].as_str().unwrap().to_owned()
}

fn effects(home: &Home) -> usize {
    fs::read_to_string(home.project().join("effects")).unwrap_or_default().lines().count()
}

#[test]
fn runs_and_single_calls_are_listed_and_shown() {
    let home = home(json!({}));
    assert_eq!(text(&outboard(&home, &["runs"])), (true, "no run is recorded\n".to_owned(), String::new()));
    run(&home, "console.log('hello');\nconst big = await fix.big({ bytes: 20000 });\nreturn big.length");
    outboard(&home, &["call", "fix.add", r#"{"a": 1, "b": 2}"#]);
    let listed = value(&home, &["runs", "--json"]);
    let facts: Vec<_> = listed["runs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| (run["command"].clone(), run["title"].clone(), run["state"].clone(), run["calls"].clone()))
        .collect();
    let expected = [
        (json!("call"), json!("fix.add"), json!("ended"), json!(1)),
        (json!("run"), json!("console.log('hello');"), json!("ended"), json!(1)),
    ];
    assert_eq!(facts, expected);
    let script = listed["runs"][1]["run"].as_str().unwrap();
    let (ok, shown, _) = text(&outboard(&home, &["show", script]));
    assert!(ok && shown.contains("fix.big") && shown.contains("1 call sent, 20.0 kB came back"), "{shown}");
    assert!(
        shown.contains("tokens kept out of the context")
            && shown.ends_with("result:\n20000\nconsole:\nhello\n"),
        "{shown}"
    );
    let shown = value(&home, &["show", script, "--json"]);
    assert_eq!((&shown["value"], &shown["timeline"][0]["call"]), (&json!(20_000), &json!("fix.big")));
    assert!(shown["recordBytes"].as_u64().unwrap() < 3_000, "compressed: {shown}");
    assert_eq!(shown["effects"][0]["line"], 2, "{shown}");
    let (ok, _, told) = text(&outboard(&home, &["show", "r99"]));
    assert!(!ok && told.contains("no run `r99` is recorded"), "{told}");
}

#[test]
fn a_replay_gives_the_same_and_sends_nothing_and_from_a_call_on_it_is_made_anew() {
    let home = home(json!({}));
    let script = "const one = await fix.count({ note: 'x' });\nconst two = await fix.count({ note: 'y' });\nconsole.log(Math.random());\nreturn [one, two, Date.now()]";
    let (ok, first, _) = text(&run(&home, script));
    assert!(ok);
    let name = newest(&home);
    assert_eq!(effects(&home), 2);
    let (ok, again, told) = text(&outboard(&home, &["replay", &name]));
    assert!(ok, "{told}");
    assert_eq!(again, first, "values, console, time and randomness");
    assert!(told.contains("nothing was sent"), "{told}");
    assert_eq!(effects(&home), 2);
    let repeated = value(&home, &["replay", &name, "--from", "2", "--json"]);
    assert_eq!(effects(&home), 3, "{repeated}");
    assert_ne!(repeated["run"], json!(name));
    let shown = value(&home, &["show", repeated["run"].as_str().unwrap(), "--json"]);
    assert_eq!((&shown["origin"]["run"], &shown["calls"]), (&json!(name), &json!(1)));
    let (ok, _, told) = text(&outboard(&home, &["replay", &name, "--from", "9"]));
    assert!(!ok && told.contains("has no call #9"), "{told}");
    let (ok, _, told) = text(&outboard(&home, &["resume", &name]));
    assert!(!ok && told.contains("has ended"), "{told}");
}

#[test]
fn secrets_of_the_configuration_and_what_patterns_match_are_not_recorded() {
    let home = Home::new();
    let entry = json!({"command": outboard_testkit::fixture_path(), "env": {"FIX_TOKEN": "tok-91f2c4d6e8"}});
    home.configure(&json!({
        "mcpServers": {"fix": entry},
        "policy": {"otherwise": "allow"},
        "journal": {"redact": ["card-[0-9]{4}"]},
    }));
    let script = "const { variables } = await fix.environment();\nawait fix.echo({ value: variables.FIX_TOKEN + ' card-1234' });\nreturn variables.FIX_TOKEN";
    let (ok, told, err) = text(&run(&home, script));
    assert!(ok && told.contains("tok-91f2c4d6e8"), "the script itself sees it: {told}{err}");
    let name = newest(&home);
    let shown = value(&home, &["show", &name, "--json"]);
    assert_eq!((&shown["value"], &shown["redacted"]), (&json!("[redacted]"), &json!(true)));
    for file in fs::read_dir(home.state().join("journal")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let found = |secret: &str| bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(!found("tok-91f2c4d6e8") && !found("card-1234"));
    }
    // What it does is compared without what was taken out; what it would go on with is not known any more.
    let (ok, again, told) = text(&outboard(&home, &["replay", &name]));
    assert!(ok && again.contains("[redacted]"), "{again}{told}");
    let (ok, _, told) = text(&outboard(&home, &["replay", &name, "--from", "2"]));
    assert!(!ok && told.contains("something was taken out of the record"), "{told}");
}

#[test]
fn old_runs_are_forgotten_when_that_is_wanted_and_nothing_is_kept_in_memory_alone() {
    let home = home(json!({}));
    run(&home, "return 1");
    run(&home, "return 2");
    let pruned = value(&home, &["runs", "prune", "--days", "0", "--json"]);
    assert_eq!(pruned["runs"], 2, "{pruned}");
    assert_eq!(value(&home, &["runs", "--json"])["runs"], json!([]));
    home.configure(&json!({"journal": {"durability": "memory"}}));
    run(&home, "return 3");
    assert_eq!(value(&home, &["runs", "--json"])["runs"], json!([]));
}

#[test]
fn a_journal_that_cannot_be_written_refuses_effects_and_says_what_to_do() {
    let home = home(json!({}));
    let folder = home.state().join("journal");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("journal.db"), "this is no database ".repeat(500)).unwrap();
    let (ok, _, told) = text(&run(&home, "await fix.count({ note: 'x' })"));
    assert!(!ok && told.contains("is damaged") && told.contains("move it away"), "{told}");
    assert_eq!(effects(&home), 0, "no record, no call");
    // What has no effect outside still works.
    let (ok, out, _) = text(&run(&home, "return 1 + 1"));
    assert!(ok && out == "2\n", "{out}");
}
