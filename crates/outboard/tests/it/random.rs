//! A property: whatever a script does and in whichever order its answers come, the run that is recorded on disk replays
//! to the same requests, the same console and the same end, and sends nothing. Random scripts in both languages.

use std::{fmt::Write as _, sync::Arc};

use outboard_runtime::{
    Language, RunRequest, Runtime,
    journal::{fold, replay},
    ports::engine::ConsoleLine,
    run::Outcome,
    session::Session,
};
use outboard_store::{SqliteStore, StoreOptions};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use tokio_util::sync::CancellationToken;

use crate::replay::{Uneven, runtime};

/// What a script does.
#[derive(Clone, Debug)]
enum Act {
    /// Calls a tool; one of ten fails ([`Uneven`]), and the script goes on.
    Call(u8),
    /// Waits for a random time.
    Sleep,
    /// Writes the time and a random number to the console.
    Print,
    /// One after another.
    InTurn(Vec<Act>),
    /// At once.
    Together(Vec<Act>),
    /// The first of them counts, the others go on and are waited for at the end.
    Race(Vec<Act>),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let leaf = prop_oneof![4 => (0..10_u8).prop_map(Act::Call), 1 => Just(Act::Sleep), 1 => Just(Act::Print)];
    let act = leaf.prop_recursive(3, 24, 5, |inner| {
        let several = prop::collection::vec(inner, 1..5);
        prop_oneof![
            several.clone().prop_map(Act::InTurn),
            several.clone().prop_map(Act::Together),
            several.prop_map(Act::Race),
        ]
    });
    prop::collection::vec(act, 1..5)
}

fn typescript(acts: &[Act]) -> String {
    let mut script = "const out = [], late = [];\n".to_owned();
    acts.iter().for_each(|act| typescript_act(act, &mut script));
    script + "await Promise.all(late);\nreturn { out, id: crypto.randomUUID(), end: Date.now() };"
}

fn typescript_act(act: &Act, script: &mut String) {
    let tasks = |acts: &[Act]| {
        let each = acts.iter().map(|act| {
            let mut body = String::new();
            typescript_act(act, &mut body);
            format!("(async () => {{ {body} }})()")
        });
        each.collect::<Vec<_>>().join(", ")
    };
    let _ = match act {
        Act::Call(n) => writeln!(
            script,
            "try {{ out.push(await up.work({{ n: {n}, at: Date.now(), dice: Math.random(), so: out.length }})) }} catch (e) {{ out.push(e.code) }}"
        ),
        Act::Sleep => writeln!(script, "await new Promise(done => setTimeout(done, Math.random() * 2));"),
        Act::Print => writeln!(script, "console.log(performance.now(), Math.random());"),
        Act::InTurn(acts) => return acts.iter().for_each(|act| typescript_act(act, script)),
        Act::Together(acts) => writeln!(script, "await Promise.all([{}]);", tasks(acts)),
        Act::Race(acts) => {
            writeln!(
                script,
                "{{ const all = [{}]; late.push(...all); await Promise.race(all); }}",
                tasks(acts)
            )
        }
    };
}

fn python(acts: &[Act]) -> String {
    let mut script = "import asyncio, random, time, uuid\nout, late = [], []\n".to_owned();
    let mut names = 0;
    acts.iter().for_each(|act| python_act(act, "", &mut names, &mut script));
    script + "await asyncio.gather(*late)\n{'out': out, 'id': str(uuid.uuid4()), 'end': time.time()}"
}

fn python_act(act: &Act, indent: &str, names: &mut u32, script: &mut String) {
    let mut tasks = |acts: &[Act], script: &mut String| {
        let mut tasks = Vec::new();
        for act in acts {
            *names += 1;
            let name = format!("task{names}");
            let _ = writeln!(script, "{indent}async def {name}():");
            python_act(act, &format!("{indent}    "), names, script);
            tasks.push(format!("asyncio.ensure_future({name}())"));
        }
        tasks.join(", ")
    };
    let _ = match act {
        Act::Call(n) => writeln!(
            script,
            "{indent}try: out.append(await up.work(n={n}, at=time.time(), dice=random.random(), so=len(out)))\n{indent}except ToolError as e: out.append(e.code)"
        ),
        Act::Sleep => writeln!(script, "{indent}await asyncio.sleep(random.random() * 0.002)"),
        Act::Print => writeln!(script, "{indent}print(time.monotonic(), random.random())"),
        Act::InTurn(acts) => return acts.iter().for_each(|act| python_act(act, indent, names, script)),
        Act::Together(acts) => {
            let tasks = tasks(acts, script);
            writeln!(script, "{indent}await asyncio.gather({tasks})")
        }
        Act::Race(acts) => {
            let tasks = tasks(acts, script);
            writeln!(
                script,
                "{indent}all{names} = [{tasks}]\n{indent}late.extend(all{names})\n{indent}await asyncio.wait(all{names}, return_when=asyncio.FIRST_COMPLETED)"
            )
        }
    };
}

fn check(cases: u32, language: Language, script: fn(&[Act]) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = SqliteStore::new(StoreOptions::new(folder.path())).unwrap();
    let upstream = Uneven::default();
    let runtime = runtime(upstream.clone(), Arc::new(store));
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&acts(), |acts| {
        tokio.block_on(same_again(&runtime, &upstream, language, &script(&acts)));
        Ok(())
    });
    checked.unwrap();
}

async fn same_again(runtime: &Runtime, upstream: &Uneven, language: Language, script: &str) {
    let request = RunRequest { code: script.to_owned(), language: Some(language), ..RunRequest::default() };
    let report = runtime.run(&Arc::new(Session::new()), request, CancellationToken::new()).await;
    assert!(matches!(report.outcome, Outcome::Value(Some(_))), "{script}\n{:?}", report.outcome);
    let sent = upstream.received();
    let folded = fold(&runtime.store().read(&report.id).await.unwrap()).unwrap();
    let replayed =
        replay(runtime.engines(), &folded).await.unwrap_or_else(|error| panic!("{script}\n{error}"));
    assert_eq!(replayed.asked, folded.asked, "{script}");
    assert_eq!(replayed.ending, folded.ending, "{script}");
    // Of calls that nobody awaited the run tells, not the script, when it knows what became of them.
    let own = |line: &&ConsoleLine| !line.text.contains(" was not awaited; ");
    let wrote: Vec<_> = report.console.iter().filter(own).cloned().collect();
    assert_eq!(replayed.console, wrote, "{script}");
    assert_eq!(upstream.received(), sent, "a replay sends nothing");
}

#[test]
fn random_scripts_replay_to_the_same() {
    check(40, Language::TypeScript, typescript);
}

#[test]
fn random_scripts_of_python_replay_to_the_same() {
    check(15, Language::Python, python);
}

#[test]
#[ignore = "long: a thousand scripts in each language"]
fn a_thousand_random_scripts_replay_to_the_same() {
    check(1_000, Language::TypeScript, typescript);
    check(1_000, Language::Python, python);
}
