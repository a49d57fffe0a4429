//! An HTTP API as an upstream: every operation of its OpenAPI 3.0, 3.1 or Swagger 2.0 description becomes a tool.
//!
//! [`Apis`] reads the descriptions, publishes what they list and hands out one
//! [`Upstream`](outboard_runtime::ports::upstream::Upstream) each, whose only method takes a permit. Descriptions are
//! untrusted: credentials go where a person has said and nowhere else. This crate decides nothing about policy and reads
//! no configuration.

mod api;
mod apis;
mod auth;
mod document;
mod examine;
mod http;
mod load;
pub mod login;
mod operation;
mod request;
mod response;
mod schema;
mod spec;

pub use apis::Apis;
pub use document::{Document, Unreadable, Version};
pub use examine::{Summary, examine, listing};
pub use load::{LoadFailure, load};
pub use operation::{Loss, servers};
pub use spec::{ApiSpec, Credential, Login, Pattern, Reach, References, Source, Start};
