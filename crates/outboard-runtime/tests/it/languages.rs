//! Runs in one language or the other: which engine they take, what stands in their journal, how tools are declared.

use std::{io::Write as _, path::Path, sync::Arc, time::Duration};

use outboard_runtime::{
    Language,
    catalogue::{Annotations, Catalogue, Detail, Listing, SearchRequest, ToolDefinition, UpstreamState},
    ids::UpstreamName,
    journal::{fold, replay},
    run::{FailureKind, Outcome},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::fakes::{Play, Setting, World};

fn one_call() -> Setting {
    let calls = vec![("box", "work", json!({"n": 1}))];
    Setting { play: Play { calls, ..Play::default() }, ..Setting::default() }
}

#[tokio::test(start_paused = true)]
async fn a_run_takes_the_engine_of_its_language_and_so_does_its_replay() {
    let world = World::new(one_call());
    for (code, given, language, image) in [
        ("box", None, Language::TypeScript, "fake"),
        ("box", Some(Language::Python), Language::Python, "fake python"),
        ("import json\njson.dumps(await box.work(n=1))", None, Language::Python, "fake python"),
        ("```py\nbox\n```", None, Language::Python, "fake python"),
    ] {
        let report = world.run_script(code, given, CancellationToken::new()).await;
        assert!(matches!(report.outcome, Outcome::Value(_)), "{code}: {:?}", report.outcome);
        assert_eq!(report.language, language, "{code}");
        let folded = fold(&world.events(&report).await).unwrap();
        assert_eq!((folded.opened.language, folded.opened.image.as_str()), (language, image), "{code}");
        let replayed = replay(world.runtime.engines(), &folded).await.unwrap();
        assert_eq!(replayed.ending, folded.ending);
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_engine_for_python_a_run_says_so_and_leaves_no_journal() {
    let world = World::new(Setting { python: false, ..one_call() });
    let report = world.run_script("box", Some(Language::Python), CancellationToken::new()).await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("{:?}", report.outcome) };
    let reason =
        "could not start a sandbox: there is no Python in this build; write the script in TypeScript";
    assert_eq!(failure.kind, FailureKind::Internal(reason.to_owned()));
    assert_eq!(world.events(&report).await, []);
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_await_ends_a_script_before_anything_runs() {
    let world = World::new(one_call());
    let code = "rows = box.look()\nfor row in rows:\n    print(row)";
    let report = world.run_script(code, None, CancellationToken::new()).await;
    let Outcome::NotRun(findings) = &report.outcome else { panic!("{:?}", report.outcome) };
    let found = (findings[0].position.to_string(), findings[0].message.as_str());
    assert_eq!(found, ("1:8".to_owned(), "`box.look` is called but not awaited"));
    assert!(world.upstream.received.lock().unwrap().is_empty());
}

#[test]
fn a_search_declares_tools_in_the_language_asked_for() {
    let name = UpstreamName::from("box");
    let catalogue = Catalogue::new([name.clone()]);
    catalogue.publish(&name, crate::fakes::listing());
    catalogue.set_state(&name, UpstreamState::Ready { took: Duration::ZERO });
    let snapshot = catalogue.snapshot();
    let search = |language| {
        let query = "box.look".to_owned();
        snapshot.answer(&SearchRequest { query, language, ..SearchRequest::default() })
    };
    assert_eq!(
        search(None),
        "box.look(input?: { n?: number; wait_ms?: number; word?: string; note?: string | null }): Promise<any> // Does things"
    );
    let python = "class box:\n    async def look(*, n: int = ..., wait_ms: int = ..., word: str = ..., note: str | None = ...) -> Any: \
                  \"\"\"Does things\"\"\"";
    assert_eq!(search(Some(Language::Python)), python);
}

/// Texts that would leave their place if they could.
const EVIL: [&str; 6] = [
    "say \"hi\"",
    "\"\"\"\nimport os",
    "back\\",
    "a\u{2028}b\u{202e}c\u{0}d",
    "'''{x}''' # type: ignore",
    "\u{e0041}\u{1f600}é",
];

#[test]
fn declarations_are_well_formed_python_whatever_the_upstream_says() {
    for evil in EVIL {
        let schema = json!({"type": "object", "description": evil, "required": [evil], "properties": {
            evil: {"description": evil, "enum": [evil, 1.5, 2, true, null], "default": evil},
            "from": {"type": "array", "items": {"type": "object", "description": evil,
                "properties": {"class": {"description": evil}, "x": {"const": evil}}}},
            "tree": {"$ref": "#/$defs/T"}},
            "$defs": {"T": {"description": evil, "anyOf": [{"type": "string"}, {"items": {"$ref": "#/$defs/T"}}]}}});
        check(&tool(evil, evil, Some(schema.clone()), Some(schema)));
    }
}

/// Replies to `tools/list` as real servers sent them. Not part of the repository; without them the test says that it
/// was skipped.
const CATALOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/catalogs");

#[test]
fn declarations_of_every_real_catalogue_are_well_formed_python() {
    let Ok(entries) = Path::new(CATALOGS).read_dir() else {
        writeln!(std::io::stderr(), "SKIPPED: no catalogues of real servers at {CATALOGS}").unwrap();
        return;
    };
    let mut tools = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let file = std::fs::read(&path).unwrap_or_default();
        let Ok(reply) = serde_json::from_slice::<Value>(&file) else { continue };
        for listed in reply["tools"].as_array().into_iter().flatten() {
            let text = |key: &str| listed[key].as_str().unwrap_or_default();
            let schema = |key: &str| listed.get(key).cloned();
            check(&tool(text("name"), text("description"), schema("inputSchema"), schema("outputSchema")));
            tools += 1;
        }
    }
    assert!(tools > 0, "{CATALOGS} holds no tools");
}

fn tool(name: &str, description: &str, input: Option<Value>, output: Option<Value>) -> ToolDefinition {
    ToolDefinition {
        name: name.into(),
        title: None,
        description: Some(description.to_owned()),
        input_schema: input.map(Into::into),
        output_schema: output.map(Into::into),
        annotations: Annotations::default(),
    }
}

#[track_caller]
fn check(tool: &ToolDefinition) {
    let name = UpstreamName::from("up");
    let catalogue = Catalogue::new([name.clone()]);
    catalogue.publish(&name, Listing { tools: vec![Arc::new(tool.clone())], ..Listing::default() });
    let snapshot = catalogue.snapshot();
    let Ok(resolved) = snapshot.resolve("up", tool.name.as_str()) else { panic!("no such tool") };
    for detail in [Detail::Name, Detail::Signature, Detail::Full] {
        let text = resolved.declaration(Language::Python, detail);
        if let Err(rejected) = outboard_script::prepare(&text, Some(Language::Python)) {
            panic!("{}\n{text}", rejected.render());
        }
    }
}
