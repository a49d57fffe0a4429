//! A model, its tools, and the loop between them, with an honest account of what each turn costs.
//!
//! A [`Provider`] says the model's next turn: an API ([`provider::anthropic`], [`provider::openai`]) or turns that stand in
//! a file ([`provider::scripted`]). A [`Toolbox`] has the tools. [`Agent`] goes to and fro between them. It starts no
//! server and prints nothing.

pub mod agent;
pub mod billing;
pub mod compare;
pub mod conversation;
pub mod keys;
pub mod mcp;
pub mod prices;
pub mod provider;
pub mod task;
pub mod toolbox;
pub mod usage;

pub use agent::{Agent, Bounds, Ended, Report, TurnReport, Watcher};
pub use conversation::{Conversation, Listing, Message, ToolAnswer, ToolDefinition, ToolUse, Turn};
pub use provider::{Provider, ProviderFailure, Said, StopReason};
pub use task::Task;
pub use toolbox::{Toolbox, ToolboxFailure};
pub use usage::Usage;

/// A text in which nothing is obeyed by a terminal: words of files and servers may be a stranger's.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            c if c.is_control() => c.escape_debug().collect::<Vec<_>>(),
            c if is_invisible(c) => c.escape_unicode().collect(),
            c => vec![c],
        })
        .collect()
}

/// Format characters, which hide or turn round what stands beside them: zero-width, bidirectional, tags, line separators.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// What every model is told before its task, whatever tools it has.
pub const SYSTEM: &str = include_str!("../prompts/system.md").trim_ascii_end();
