//! The scripted model: its answers follow from the conversation, and it stops when they cannot.
//! No server takes part; the conversations are written out here.

use serde_json::{Value, json};

use outboard_agent::{Listing, Message, ToolAnswer};

use super::*;

fn conversation(exchanges: &[(&str, Value, &str)]) -> Conversation {
    let messages = exchanges.iter().flat_map(|(name, input, text)| {
        let call = ToolUse { name: (*name).to_owned(), input: input.clone(), ..ToolUse::default() };
        [
            Message::Assistant(Turn { calls: vec![call], ..Turn::default() }),
            Message::Results(vec![ToolAnswer { text: (*text).to_owned(), is_error: false }]),
        ]
    });
    Conversation { system: String::new(), listing: Listing::default(), messages: messages.collect() }
}

const FIRST: &str = r#"{"page":1,"total_pages":2,"records":[
    {"id":1,"user_id":"b","activity":"x","timestamp":"","metadata":{"duration_seconds":10,"success":true}},
    {"id":2,"user_id":"a","activity":"x","timestamp":"","metadata":{"duration_seconds":11,"success":false}}]}"#;
const SECOND: &str = r#"{"page":2,"total_pages":2,"records":[
    {"id":3,"user_id":"c","activity":"x","timestamp":"","metadata":{"duration_seconds":12,"success":false}},
    {"id":4,"user_id":"a","activity":"x","timestamp":"","metadata":{"duration_seconds":13,"success":true}},
    {"id":5,"user_id":"b","activity":"x","timestamp":"","metadata":{"duration_seconds":15,"success":true}}]}"#;

const DIRECT: &str = include_str!("../../turns/one-call-a-turn.json");
const SCRIPT: &str = include_str!("../../turns/one-script.json");

#[test]
fn the_direct_answer_is_worked_out_from_the_pages_in_the_context() {
    let total = ("get_total_pages", json!({}), r#"{"result":2}"#);
    let first = ("get_data_chunk", json!({ "page": 1 }), FIRST);
    let second = ("get_data_chunk", json!({ "page": 2 }), SECOND);
    let model = ScriptedModel::read(DIRECT).unwrap();

    let said = model.next(&conversation(&[total.clone(), first.clone(), second])).unwrap();
    assert_eq!(said.text, r#"{"failures":2,"most_active":["a","b"],"average_duration":12.2}"#);
    assert_eq!(said.calls, []);

    let twice_the_first = conversation(&[total.clone(), first.clone(), first.clone()]);
    assert_eq!(model.next(&twice_the_first), Err(Stuck::PageMissing(2)));

    let broken = ("get_data_chunk", json!({ "page": 2 }), "no page 2");
    assert!(matches!(model.next(&conversation(&[total, first, broken])), Err(Stuck::Unreadable { .. })));
}

#[test]
fn pages_are_asked_for_as_the_total_in_the_context_says() {
    let ten = ScriptedModel::read(include_str!("../../turns/ten-calls-a-turn.json")).unwrap();
    let cases = [("12", 10, Some(4)), (r#"{"result":3}"#, 3, Some(3))];
    for (total, calls, length) in cases {
        let conversation = conversation(&[("get_total_pages", json!({}), total)]);
        let inputs: Vec<Value> =
            ten.next(&conversation).unwrap().calls.into_iter().map(|call| call.input).collect();
        assert_eq!(inputs, (1..=calls).map(|page| json!({ "page": page })).collect::<Vec<_>>());
        assert_eq!(ten.length(&conversation), length);
    }
    assert_eq!(ten.length(&conversation(&[])), None);
}

#[test]
fn a_script_is_not_written_before_its_tools_are_known() {
    let model = ScriptedModel::read(SCRIPT).unwrap();
    assert_eq!(model.next(&conversation(&[])), Err(Stuck::UnknownTool("get_total_pages")));
}

#[test]
fn the_script_answer_is_what_execute_returned() {
    let model = ScriptedModel::read(SCRIPT).unwrap();
    let executed = |text: &'static str| conversation(&[("execute", json!({ "code": "" }), text)]);
    let said = model.next(&executed(r#"{"failures":9,"most_active":["z"],"average_duration":1.0}"#)).unwrap();
    assert_eq!(said.text, r#"{"failures":9,"most_active":["z"],"average_duration":1.0}"#);
    let failed = model.next(&executed("failed at 3:1:\u{1b}[31m")).unwrap_err();
    assert_eq!(
        failed.to_string(),
        "`execute` did not answer what was expected, but: failed at 3:1:\\u{1b}[31m"
    );
}

#[test]
fn the_mended_script_is_the_natural_one() {
    let model = ScriptedModel::read(include_str!("../../turns/one-script-mended.json")).unwrap();
    let misspelt = include_str!("../../turns/misspelt.ts");
    let error = "3:54  data_tools has no `get_data_chunks`; did you mean `get_data_chunk`?";
    let said = model.next(&conversation(&[("execute", json!({ "code": misspelt }), error)])).unwrap();
    assert_eq!(said.calls[0].input["code"], SUMMARY_SCRIPT);
}
