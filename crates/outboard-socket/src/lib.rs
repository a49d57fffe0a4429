//! The way in for programs outside the sandbox: a Unix socket that is served through the runtime, so through the same gate as
//! everything, and packages in Python and TypeScript whose functions call it. It starts no upstream, knows no configuration
//! and decides about no call; whose socket it is, whoever opens it says.

pub mod folder;
mod message;
pub mod package;
mod place;
pub mod replacing;
mod server;

pub use message::{LONGEST_REQUEST, VERSION};
pub use place::{Door, NoPlace, Private, open, open_to_be_shown};
pub use server::{Service, Traffic, serve};
