//! The report as data, as JSON and as text, over made-up figures.
//! What the real figures are is checked with the ways.

use serde_json::json;

use super::*;
use crate::workplace::sample;

fn report() -> DemoReport {
    let answer = Answer { failures: 2, most_active: vec!["a".into(), "b".into()], average_duration: 1.5 };
    let way = |name, label, [turns, input_tokens, output_tokens]: [u64; 3], seconds| WayReport {
        name,
        label,
        turns,
        input_tokens,
        output_tokens,
        seconds,
        answer: answer.clone(),
    };
    DemoReport {
        ways: vec![
            way("one-call-a-turn", "direct, one call a turn", [32, 273_000, 1_000], 6.1234),
            way("ten-calls-a-turn", "direct, ten calls a turn", [5, 35_000, 900], 0.7),
            way("one-script", "one script", [2, 1_000, 200], 0.31),
        ],
        variants: vec![way("one-script-mended", "one script, failed once", [3, 2_000, 400], 0.32)],
        latency: true,
        workplace: None,
    }
}

#[test]
fn the_table_bars_and_answer_are_laid_out_in_ascii() {
    let text = report().render(Style::default());
    assert!(text.is_ascii());
    let before_the_script = text.split("\nthe script\n").next().unwrap();
    insta::assert_snapshot!(before_the_script, @r##"
    One task over MCP: failures, most active users and average duration in 30 pages of 10 records, 100 to 200 ms a call.

    way                       turns      input  output     tokens  seconds
    direct, one call a turn      32    273,000   1,000    274,000    6.123
    direct, ten calls a turn      5     35,000     900     35,900    0.700
    one script                    2      1,000     200      1,200    0.310
    one script, failed once       3      2,000     400      2,400    0.320

    tokens (o200k estimate)
      direct, one call a turn   ########################################  274,000
      direct, ten calls a turn  #####                                      35,900  86.9% less
      one script                #                                           1,200  99.6% less

    turns
      direct, one call a turn   ########################################  32
      direct, ten calls a turn  ######                                     5  84.4% less
      one script                ###                                        2  93.8% less

    seconds
      direct, one call a turn   ########################################  6.123
      direct, ten calls a turn  #####                                     0.700  88.6% less
      one script                ##                                        0.310  94.9% less

    answer, the same in every way
      {"failures":2,"most_active":["a","b"],"average_duration":1.5}
    "##);
}

#[test]
fn blocks_and_colour_change_nothing_but_the_looks() {
    let text = report().render(Style { color: true, unicode: true });
    insta::assert_snapshot!(text.lines().nth(11).unwrap().escape_debug(), @r##"  one script                \u{1b}[32m▏\u{1b}[0m                                           1,200  99.6% less"##);
    insta::assert_snapshot!(text.lines().nth(2).unwrap().escape_debug(), @r##"\u{1b}[1mway                       turns      input  output     tokens  seconds\u{1b}[0m"##);
}

#[test]
fn different_answers_are_said_loudly_and_each_is_shown() {
    let mut report = report();
    report.variants[0].answer.failures = 3;
    assert!(!report.answers_agree());
    let text = report.render(Style::default());
    let answers = text.split("\n\n").find(|section| section.contains("DIFFER")).unwrap();
    insta::assert_snapshot!(answers, @r##"
    THE ANSWERS DIFFER: at least one way is wrong
      direct, one call a turn   {"failures":2,"most_active":["a","b"],"average_duration":1.5}
      direct, ten calls a turn  {"failures":2,"most_active":["a","b"],"average_duration":1.5}
      one script                {"failures":2,"most_active":["a","b"],"average_duration":1.5}
      one script, failed once   {"failures":3,"most_active":["a","b"],"average_duration":1.5}
    "##);
    assert_eq!(report.to_json()["answers_agree"], false);
}

#[test]
fn the_json_has_one_entry_a_way_with_stable_names() {
    let json = report().to_json();
    assert_eq!(
        json["ways"][0],
        json!({
            "name": "one-call-a-turn", "label": "direct, one call a turn", "turns": 32,
            "input_tokens": 273_000, "output_tokens": 1_000, "seconds": 6.123,
            "answer": { "failures": 2, "most_active": ["a", "b"], "average_duration": 1.5 },
        })
    );
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["ways", "variants", "answers_agree", "estimate", "counted", "latency", "script", "workplace"]
    );
    assert_eq!([&json["estimate"], &json["answers_agree"]], [&json!("o200k"), &json!(true)]);
}

#[test]
fn the_second_part_says_who_was_simulated_and_what_is_not_true() {
    let with = |workplace| DemoReport { workplace: Some(workplace), ..report() };
    let text = with(sample()).render(Style::default());
    let (_, part) = text.split_once("A script that posts").unwrap();
    assert!(text.is_ascii());
    insta::assert_snapshot!(part, @r##"
     to everyone: it reads as it likes, and its post waits for a yes. The person is simulated.

    what the user did before
      $ outboard accept workplace

    what policy says then
      read_channel_messages      allow  because declared read-only
      search_contacts            allow  because declared read-only
      schedule_meeting           allow  because rule 1
      post_message_to_all_hands  ask    because declared destructive

    the script
      const a = 1;

    what the person is shown by the client while the script waits
      Outboard asks: may this script call workplace.post?

          text  "Moved"

      ( ) deny   ( ) allow once

    script      simulated answer  person took   call took  run's clock  posts  its post gave
    TypeScript  allow once            1.000 s     1.500 s      0.400 s      1  {"reached":214}
    Python      deny                  1.000 s     1.500 s      0.400 s      0  ToolError: not approved

    what this shows, by what the workplace received
      yes  reading just ran: it was received before anybody had answered
      yes  the meeting was scheduled once, by the user's own rule
      yes  nothing was posted while the post waited for a yes
      yes  a yes posted once, exactly the text that was shown
      yes  a no posted nothing, and the script got a ToolError
      yes  the run's clock stood still while the person took their time
    "##);
    let mut broken = sample();
    broken.runs[0].posted.clear();
    let broken = with(broken);
    assert_eq!(broken.untrue(), ["a yes posted once, exactly the text that was shown"]);
    assert!(broken.render(Style::default()).contains("  NOT TRUE  a yes posted once"));
    let json = broken.to_json();
    assert_eq!(json["workplace"]["claims"][3]["holds"], false);
    assert_eq!(json["workplace"]["runs"][1]["simulated_answer"], "deny");
    assert_eq!(report().untrue(), [""; 0]);
}
