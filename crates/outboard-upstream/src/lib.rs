//! A tolerant MCP client over stdio and Streamable HTTP, for many upstreams at once.
//!
//! [`Fleet`] starts the upstreams, publishes what they list and hands out one
//! [`Upstream`](outboard_runtime::ports::upstream::Upstream) each, whose only method takes a permit.
//! Each upstream has one connection for the life of the process, restarted by the first call after a
//! loss. This crate decides nothing about policy and reads no configuration.

mod client;
mod connection;
#[cfg(feature = "direct")]
pub mod direct;
mod era;
mod fleet;
mod http;
mod spec;
mod stdio;
pub mod tolerant;

pub use fleet::Fleet;
pub use spec::{LONGEST_MESSAGE, Start, Transport, UpstreamSpec};
