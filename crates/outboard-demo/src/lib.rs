//! The main job on a simulated service: an upstream, a scripted model, and what each way costs.
//!
//! `upstream` serves the data over MCP, `model` plays the turns, `ways` drives both over real
//! connections, `billing` counts and `report` shows. `workplace` is the second part: a script that waits for a person.
//! The library returns text; it never prints.

mod answer;
mod data;
mod demo;
#[cfg(test)]
mod fakes;
mod model;
mod report;
mod scratch;
pub mod tasks;
mod tool_server;
mod upstream;
mod ways;
mod workplace;

pub use answer::Answer;
pub use demo::{DemoError, DemoOptions, run};
pub use report::{DemoReport, Style, WayReport};
pub use scratch::Scratch;
pub use upstream::{UpstreamError, UpstreamOptions, serve};
pub use ways::Progress;
pub use workplace::{Claim, Judged, Watched, WorkplaceOptions, WorkplaceReport, serve as serve_workplace};
