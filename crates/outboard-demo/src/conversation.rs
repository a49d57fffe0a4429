//! What a model is given for its next turn: prompts, tools and the whole history.
//!
//! The scripted model reads it, the billing counts it. It knows nothing about MCP or the wire.

use serde_json::Value;

/// A tool as a client puts it before a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolDefinition {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) input_schema: Value,
}

/// What a server shows to a client's model before the first call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Listing {
    pub(crate) instructions: Option<String>,
    pub(crate) tools: Vec<ToolDefinition>,
}

impl Listing {
    /// Whether `word` names a tool or stands in a description of one.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == word || tool.description.contains(word))
    }
}

/// What a model says in one turn; a turn without calls is its last.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Turn {
    pub(crate) text: String,
    pub(crate) calls: Vec<ToolUse>,
}

/// One call that a model asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolUse {
    pub(crate) name: String,
    pub(crate) input: Value,
}

/// What came back for one call, as text: all that a model sees of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ToolAnswer {
    pub(crate) text: String,
    pub(crate) is_error: bool,
}

/// One entry of the history.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Message {
    User(String),
    Assistant(Turn),
    /// Answers to the calls of the turn before, in the order of the calls.
    Results(Vec<ToolAnswer>),
}

/// Everything that a model's next turn is made from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conversation {
    pub(crate) system: String,
    pub(crate) listing: Listing,
    pub(crate) messages: Vec<Message>,
}

impl Conversation {
    /// The model's turns so far.
    pub(crate) fn turns(&self) -> impl DoubleEndedIterator<Item = &Turn> {
        self.messages.iter().filter_map(|message| match message {
            Message::Assistant(turn) => Some(turn),
            Message::User(_) | Message::Results(_) => None,
        })
    }

    /// Every answered call with its answer, oldest first.
    pub(crate) fn exchanges(&self) -> impl DoubleEndedIterator<Item = (&ToolUse, &ToolAnswer)> {
        self.messages.windows(2).flat_map(|pair| match pair {
            [Message::Assistant(turn), Message::Results(answers)] => {
                turn.calls.iter().zip(answers).collect::<Vec<_>>()
            }
            _ => Vec::new(),
        })
    }

    /// Whether `word` stands anywhere that tells a model about tools: a definition or an answer.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        self.listing.mentions(word) || self.exchanges().any(|(_, answer)| answer.text.contains(word))
    }
}
