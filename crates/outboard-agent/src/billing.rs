//! What each turn of a conversation would bill on a Messages-style API, in o200k tokens.
//!
//! It reads conversations alone and asks no provider: there is no public tokenizer of all current
//! models, hence "o200k estimate".

use outboard_runtime::present::count_tokens;

use crate::{
    conversation::{Conversation, Listing, Message, ToolDefinition, Turn},
    usage::Usage,
};

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
///   it. Structured content is not counted a second time.
///
/// Not counted: role marks, ids and a provider's own preamble for tools. They differ between providers
/// and come with every turn and call, so leaving them out favours the ways with many turns. Prompt
/// caches lower the price of input tokens, not their number.
pub fn bill(conversation: &Conversation) -> Vec<Usage> {
    let mut meter = Meter::of(conversation);
    conversation.messages.iter().filter_map(|message| meter.take(message)).collect()
}

/// Bills a conversation while it goes on; see [`bill`].
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    context: u64,
}

impl Meter {
    /// A meter for this conversation, of which no message has been taken.
    pub fn of(conversation: &Conversation) -> Self {
        Self { context: count(&conversation.system) + count_listing(&conversation.listing) }
    }

    /// Takes the next message; what the turn bills, if it is one.
    pub fn take(&mut self, message: &Message) -> Option<Usage> {
        let (input, output) = (self.context, count_message(message));
        self.context += output;
        matches!(message, Message::Assistant(_)).then(|| Usage { input, output, ..Usage::default() })
    }
}

/// What a server shows: its instructions and its tools.
pub fn count_listing(listing: &Listing) -> u64 {
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
    count_tokens(text) as u64
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::conversation::{ToolAnswer, ToolUse};

    /// Words of one o200k token each, so that the sums can be done by hand.
    #[test]
    fn every_turn_pays_for_everything_before_it() {
        let call =
            |page: u32| ToolUse { id: String::new(), name: "get".into(), input: json!({ "page": page }) };
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
                Message::Assistant(Turn {
                    text: "First".into(),
                    calls: vec![call(1), call(2)],
                    verbatim: None,
                }),
                Message::Results(vec![answer("one two"), answer("three")]),
                Message::Assistant(Turn { text: "three".into(), ..Turn::default() }),
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
                Usage { input: opening + task, output: calls, ..Usage::default() },
                Usage { input: opening + task + calls + results, output: 1, ..Usage::default() },
            ]
        );
    }

    #[test]
    fn a_script_is_counted_as_it_is_written_on_the_wire() {
        let turn = |code: &str| Turn {
            calls: vec![ToolUse {
                id: String::new(),
                name: "execute".into(),
                input: json!({ "code": code }),
            }],
            ..Turn::default()
        };
        assert_eq!(count_turn(&turn("a\nb")), count("execute") + count(r#"{"code":"a\nb"}"#));
    }
}
