//! What a hostile script, upstream or project might try against Outboard, each as a test of the whole program.

#[cfg(unix)]
mod approvals;
mod guest;
mod openapi;
mod policy;
mod python;
mod upstream;
#[cfg(target_os = "linux")]
mod workspace_calls;
