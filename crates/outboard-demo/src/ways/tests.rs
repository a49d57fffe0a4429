//! All ways against servers in this process: turns, answers, bills, progress and failures.
//! `outboard serve` is a stand-in here, so its own share of the bill is not checked.

use std::sync::Mutex;

use super::*;
use crate::{
    demo::{DemoError, run_with},
    fakes::{Fakes, Text, right_answer},
};

fn fakes() -> Fakes {
    Fakes { answer: right_answer().to_string(), text: Text::AsSent }
}

#[tokio::test]
async fn every_way_finds_the_right_answer_in_its_number_of_turns() {
    let report = run_with(&fakes(), false, &|_| ()).await.unwrap();
    let right = right_answer();
    assert_eq!(
        right.to_string(),
        r#"{"failures":75,"most_active":["user_2","user_3","user_4","user_5","user_6","user_7"],"average_duration":69.3}"#
    );
    let ways: Vec<_> = report.ways.iter().chain(&report.variants).collect();
    let turns: Vec<_> = ways.iter().map(|way| (way.name, way.turns)).collect();
    assert_eq!(
        turns,
        [
            ("one-call-a-turn", 32),
            ("ten-calls-a-turn", 5),
            ("one-script", 2),
            ("one-script-python", 2),
            ("one-script-search-first", 3),
            ("one-script-mended", 3),
        ]
    );
    for way in ways {
        assert_eq!(way.answer, right, "{}", way.name);
    }
    assert!(report.answers_agree());
}

/// The figures that the demonstration is known by, 274,586 and 35,906, came from a server that writes JSON as
/// Python's `json.dumps` does, as ours does. Without the spaces the direct ways cost a fifth less.
#[tokio::test]
async fn spaces_in_the_json_of_results_are_a_fifth_of_a_direct_bill() {
    let cases = [(Text::AsSent, 274_586, 35_906), (Text::Compact, 218_000, 28_500)];
    for (text, one_a_turn, ten_a_turn) in cases {
        let report = run_with(&Fakes { text, ..fakes() }, false, &|_| ()).await.unwrap();
        let [one, ten] = [report.ways[0].tokens(), report.ways[1].tokens()];
        for (tokens, expected) in [(one, one_a_turn), (ten, ten_a_turn)] {
            assert!(tokens.abs_diff(expected) * 50 <= expected, "{text:?}: {tokens}, not {expected}");
        }
    }
}

/// What the script way adds to the definitions that `outboard serve` shows.
#[tokio::test]
async fn the_script_way_leaves_most_of_its_budget_to_the_tools_shown() {
    let report = run_with(&fakes(), false, &|_| ()).await.unwrap();
    let shown = outboard_agent::billing::count_listing(
        &fakes().connect(Before::Outboard).await.unwrap().listing().await.unwrap(),
    );
    let own = report.ways[2].tokens() - 2 * shown;
    assert!(own < 640, "prompts, script, result and answer: {own}");
}

#[tokio::test]
async fn the_answer_of_the_script_way_is_the_scripts_not_ours() {
    let lie = Answer { failures: 1, ..right_answer() };
    let report = run_with(&Fakes { answer: lie.to_string(), ..fakes() }, false, &|_| ()).await.unwrap();
    assert_eq!([&report.ways[1].answer, &report.ways[2].answer], [&right_answer(), &lie]);
    assert!(!report.answers_agree());
}

#[tokio::test]
async fn a_result_that_is_no_answer_ends_the_demo_with_its_words() {
    let error =
        run_with(&Fakes { answer: "failed at 9:7".into(), ..fakes() }, false, &|_| ()).await.unwrap_err();
    let DemoError::Way { way, reason } = error else { panic!("{error}") };
    assert_eq!(way, "one script");
    assert_eq!(
        reason,
        "the scripted model is stuck in turn 2: `execute` did not answer what was expected, but: failed at 9:7"
    );
}

#[tokio::test]
async fn progress_tells_each_turn_and_how_many_there_will_be() {
    let told = Mutex::new(Vec::new());
    run_with(&fakes(), false, &|progress| told.lock().unwrap().push(progress.to_string())).await.unwrap();
    let told = told.into_inner().unwrap();
    assert_eq!(told.len(), 32 + 5 + 2 + 2 + 3 + 3);
    assert_eq!(
        [&told[0], &told[11], &told[31], &told[37]],
        [
            "direct, one call a turn: turn 1",
            "direct, one call a turn: turn 12 of 32",
            "direct, one call a turn: turn 32 of 32",
            "one script: turn 1 of 2",
        ]
    );
}
