//! The MCP server that the client of a model talks to: two tools, whatever the catalogue,
//! and a third where a person wants it; or the tools of all upstreams as they are.
//!
//! It speaks MCP 2024-11-05 to 2025-11-25 (`initialize`) and 2026-07-28 (`server/discover`), over one pair of
//! byte streams or, with many clients, over HTTP. It runs nothing itself: a [`Backend`], in earnest the runtime, does.

mod arguments;
mod asking;
mod backend;
mod changes;
mod handler;
pub mod http;
mod offer;
mod progress;
mod server;
mod shell;
mod silence;
mod subscriptions;
mod wire;

pub use backend::Backend;
pub use offer::{Offer, is_plain, prefixed};
pub use server::{Face, FaceError, FaceOptions, RESPOND_WITHIN};
