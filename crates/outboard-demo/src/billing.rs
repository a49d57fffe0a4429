//! What each turn of a conversation would bill on a Messages-style API, in o200k tokens.
//!
//! It reads conversations alone and asks no provider: there is no public tokenizer of all current
//! models, hence "o200k estimate".

use crate::conversation::{Conversation, Listing, Message, ToolDefinition, Turn};

/// The tokens of one turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TurnBill {
    pub(crate) input: u64,
    pub(crate) output: u64,
}

/// Bills every turn of a conversation, in order.
///
/// An API of this kind keeps nothing between turns, so every turn pays for the system prompt, the tools
/// and the whole history again. Counted, each piece on its own:
///
/// - the system prompt, the server's instructions (clients put them beside it) and the user's words as
///   they are;
/// - a tool as name, description and input schema (compact JSON, keys in the server's order), one a
///   line. Output schemas are not counted: clients do not send them to models;
/// - a call as the tool's name and its input as compact JSON, because that is what a model writes. A
///   script is thus counted with its line breaks and quotes escaped;
/// - a call's result as the bare text of its content, because an API unpacks it before the model reads
///   it. Structured content is not counted a second time. The demo's upstream writes a space after each
///   comma and colon there, as Python's `json.dumps` does; compact JSON makes the direct ways a fifth
///   cheaper.
///
/// Not counted: role marks, ids and a provider's own preamble for tools. They differ between providers
/// and come with every turn and call, so leaving them out favours the ways with many turns. Prompt
/// caches lower the price of input tokens, not their number.
pub(crate) fn bill(conversation: &Conversation) -> Vec<TurnBill> {
    let mut context = opening(conversation);
    let mut bills = Vec::new();
    for message in &conversation.messages {
        let tokens = count_message(message);
        if matches!(message, Message::Assistant(_)) {
            bills.push(TurnBill { input: context, output: tokens });
        }
        context += tokens;
    }
    bills
}

/// What stands before the first message in every turn.
fn opening(conversation: &Conversation) -> u64 {
    count(&conversation.system) + count_listing(&conversation.listing)
}

/// What a server shows: its instructions and its tools.
pub(crate) fn count_listing(listing: &Listing) -> u64 {
    listing.instructions.as_deref().map_or(0, count)
        + listing.tools.iter().map(|tool| count(&definition_text(tool))).sum::<u64>()
}

fn definition_text(tool: &ToolDefinition) -> String {
    format!("{}\n{}\n{}", tool.name, tool.description, tool.input_schema)
}

fn count_message(message: &Message) -> u64 {
    match message {
        Message::User(text) => count(text),
        Message::Assistant(turn) => count_turn(turn),
        Message::Results(answers) => answers.iter().map(|answer| count(&answer.text)).sum(),
    }
}

fn count_turn(turn: &Turn) -> u64 {
    let calls = turn.calls.iter().map(|call| count(&call.name) + count(&call.input.to_string()));
    count(&turn.text) + calls.sum::<u64>()
}

fn count(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::conversation::{ToolAnswer, ToolUse};

    /// Words of one o200k token each, so that the sums can be done by hand.
    #[test]
    fn every_turn_pays_for_everything_before_it() {
        let call = |page: u32| ToolUse { name: "get".into(), input: json!({ "page": page }) };
        let answer = |text: &str| ToolAnswer { text: text.into(), is_error: false };
        let conversation = Conversation {
            system: "Be brief".into(),
            listing: Listing {
                instructions: Some("Hello".into()),
                tools: vec![ToolDefinition {
                    name: "get".into(),
                    description: "one page".into(),
                    input_schema: json!({}),
                }],
            },
            messages: vec![
                Message::User("how many".into()),
                Message::Assistant(Turn { text: "First".into(), calls: vec![call(1), call(2)] }),
                Message::Results(vec![answer("one two"), answer("three")]),
                Message::Assistant(Turn { text: "three".into(), calls: Vec::new() }),
            ],
        };
        // Be| brief, Hello, get|\n|one| page|\n|{}
        let opening = 2 + 1 + 6;
        // how| many
        let task = 2;
        // First, then twice: get, {"|page|":|1|}
        let calls = 1 + 2 * (1 + 5);
        // one| two, three
        let results = 2 + 1;
        assert_eq!(
            bill(&conversation),
            [
                TurnBill { input: opening + task, output: calls },
                TurnBill { input: opening + task + calls + results, output: 1 },
            ]
        );
    }

    #[test]
    fn a_script_is_counted_as_it_is_written_on_the_wire() {
        let turn = |code: &str| Turn {
            text: String::new(),
            calls: vec![ToolUse { name: "execute".into(), input: json!({ "code": code }) }],
        };
        assert_eq!(count_turn(&turn("a\nb")), count("execute") + count(r#"{"code":"a\nb"}"#));
    }
}
