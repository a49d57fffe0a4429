//! What a model is given for its next turn: prompts, tools and the whole history.
//!
//! Providers send it, the billing counts it. It knows nothing about MCP or the wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A tool as a client puts it before a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolDefinition {
    /// The name that the model calls it by.
    pub name: String,
    /// What it does.
    pub description: String,
    /// JSON Schema of its input.
    pub input_schema: Value,
}

/// What a server shows to a client's model before the first call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing {
    /// What the server says of itself.
    pub instructions: Option<String>,
    /// Its tools.
    pub tools: Vec<ToolDefinition>,
}

impl Listing {
    /// Whether `word` names a tool or stands in a description of one.
    pub fn mentions(&self, word: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == word || tool.description.contains(word))
    }
}

/// What a model says in one turn; a turn without calls is its last.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Its words.
    #[serde(default)]
    pub text: String,
    /// The calls that it asks for, in its order.
    #[serde(default)]
    pub calls: Vec<ToolUse>,
    /// The turn in the form of the API that it came from, to be handed back to the same API as it was.
    #[serde(skip)]
    pub verbatim: Option<Value>,
}

/// One call that a model asks for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolUse {
    /// The model's name of the call; empty where nobody needs one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its input; text that is no JSON is a string.
    pub input: Value,
}

/// What came back for one call, as text: all that a model sees of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolAnswer {
    /// The text.
    pub text: String,
    /// Whether the tool says that it failed.
    pub is_error: bool,
}

impl ToolAnswer {
    /// An answer that says what went wrong.
    pub fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_error: true }
    }
}

/// One entry of the history.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// The user's words.
    User(String),
    /// A turn of the model.
    Assistant(Turn),
    /// Answers to the calls of the turn before, in the order of the calls.
    Results(Vec<ToolAnswer>),
}

/// Everything that a model's next turn is made from.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// The system prompt, without the instructions of servers.
    pub system: String,
    /// The tools.
    pub listing: Listing,
    /// The history.
    pub messages: Vec<Message>,
}

impl Conversation {
    /// The model's turns so far.
    pub fn turns(&self) -> impl DoubleEndedIterator<Item = &Turn> {
        self.messages.iter().filter_map(|message| match message {
            Message::Assistant(turn) => Some(turn),
            Message::User(_) | Message::Results(_) => None,
        })
    }

    /// Every answered call with its answer, oldest first.
    pub fn exchanges(&self) -> impl DoubleEndedIterator<Item = (&ToolUse, &ToolAnswer)> {
        self.messages.windows(2).flat_map(|pair| match pair {
            [Message::Assistant(turn), Message::Results(answers)] => {
                turn.calls.iter().zip(answers).collect::<Vec<_>>()
            }
            _ => Vec::new(),
        })
    }

    /// Whether `word` stands anywhere that tells a model about tools: a definition or an answer.
    pub fn mentions(&self, word: &str) -> bool {
        self.listing.mentions(word) || self.exchanges().any(|(_, answer)| answer.text.contains(word))
    }

    /// The system prompt and the instructions of servers beside it, as clients put them.
    pub fn whole_system(&self) -> String {
        match self.listing.instructions.as_deref().filter(|text| !text.is_empty()) {
            Some(instructions) if self.system.is_empty() => instructions.to_owned(),
            Some(instructions) => format!("{}\n\n{instructions}", self.system),
            None => self.system.clone(),
        }
    }
}
