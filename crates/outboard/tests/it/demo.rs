//! The demo as its user runs it: three ways, one answer, and what each costs; and a post that waits for a yes.

use outboard_testkit::client::Home;
use serde_json::{Value, json};

use crate::harness::OUTBOARD;

#[test]
fn the_demo_does_one_task_in_three_ways_and_counts_what_each_costs() {
    let home = Home::new();
    let output = home.command(OUTBOARD, &["demo", "--json", "--no-latency"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let ways = report["ways"].as_array().unwrap();
    let total = |way: &Value| way["input_tokens"].as_u64().unwrap() + way["output_tokens"].as_u64().unwrap();
    let users: Vec<String> = (2..=7).map(|n| format!("user_{n}")).collect();
    let variants = report["variants"].as_array().unwrap();
    assert!(variants.iter().any(|way| way["name"] == "one-script-python"));
    for way in ways.iter().chain(variants) {
        let answer = json!({"failures": 75, "most_active": users, "average_duration": 69.3});
        assert_eq!(way["answer"], answer, "{way}");
    }
    let turns: Vec<u64> = ways.iter().map(|way| way["turns"].as_u64().unwrap()).collect();
    assert_eq!(turns, [32, 5, 2]);
    assert!((247_000..=302_000).contains(&total(&ways[0])), "{}", total(&ways[0]));
    assert!((32_000..=40_000).contains(&total(&ways[1])), "{}", total(&ways[1]));
    assert!(total(&ways[2]) < 1_500, "{}", total(&ways[2]));
    let workplace = &report["workplace"];
    let claims = workplace["claims"].as_array().unwrap();
    assert!(claims.len() == 6 && claims.iter().all(|claim| claim["holds"] == true), "{workplace:#}");
    let [yes, no] = [&workplace["runs"][0], &workplace["runs"][1]];
    let question = yes["question"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(
        question,
        "Outboard asks: may this script call workplace.post_message_to_all_hands? text \"Engineering's standup moves to \
         10:00\" The tool says: it changes things and may destroy some, it reaches nobody else. Asked because declared \
         destructive. line 7 of 11 · so far: read 2 (workplace.read_channel_messages × 1, workplace.search_contacts × 1), \
         called what changes things: workplace.schedule_meeting × 1 · asked by outboard-demo"
    );
    assert_eq!(
        (&yes["posted"], &no["posted"]),
        (&json!(["Engineering's standup moves to 10:00"]), &json!([]))
    );
    assert_eq!(yes["result"], json!({"time": "10:00", "invited": 2, "post": {"reached": 214}}));
    assert_eq!(no["result"]["post"]["message"], "not approved: a person said no (declared destructive)");
    assert!(std::fs::read_dir(home.state()).unwrap().next().is_none(), "nothing of the user is touched");
}

#[test]
fn the_demos_tables_carry_no_escapes_into_a_pipe() {
    let home = Home::new();
    let output = home.command(OUTBOARD, &["demo", "--no-latency"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.contains("o200k estimate"), "{text}");
    assert!(!text.contains('\u{1b}') && output.stderr.is_empty(), "{text}");
    assert!(text.contains("The person is simulated.") && text.contains("simulated answer"), "{text}");
    assert_eq!(text.matches("\n  yes  ").count(), 6, "{text}");
}
