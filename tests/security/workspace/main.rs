//! The escape suite: what somebody in the workspace's jail might try, each with what must come of it, as root and as an
//! ordinary user; that the same succeeds outside; and what each protection alone holds back.
//!
//! It drives the launcher itself, in the form that can have protections switched off.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod driver;
mod ends;
mod escapes;
mod python;
mod resources;
mod walls;
