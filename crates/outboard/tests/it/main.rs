//! The whole program as its user has it: the built binary over stdio, with the fixture upstream.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod agents;
#[cfg(target_os = "linux")]
mod approving;
mod catalogues;
mod cli;
mod configuration;
mod demo;
mod faults;
mod following;
mod forms;
#[cfg(target_os = "linux")]
mod generated;
mod harness;
mod http;
mod lifecycle;
mod limits;
mod login;
mod longruns;
mod openapi;
mod parking;
mod passthrough;
mod random;
mod recorded;
mod recovering;
mod replay;
mod results;
mod serving;
mod setup;
mod specs;
mod stats;
mod tools;
mod wire;
#[cfg(target_os = "linux")]
mod workshops;
#[cfg(target_os = "linux")]
mod workspace;

#[path = "../../../../tests/security/main.rs"]
mod security;
