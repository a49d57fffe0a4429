//! Workspaces: a shell, programs and files behind a wall, for agents that work with these.
//!
//! A wall is an implementor of the runtime's [`Workspace`](outboard_runtime::ports::workspace::Workspace): [`jail`] is
//! the kernel's own means, on Linux;
//! [`container`] is Docker or Podman; [`daytona`] is a remote sandbox, untested against the service. [`files`] puts files into any of them and takes them out, [`furnishing`] is what each is made with. Which wall is used, and what
//! tool calls from inside may do, is decided elsewhere.

#[cfg(unix)]
pub mod container;
pub mod daytona;
pub mod files;
pub mod furnishing;
#[cfg(target_os = "linux")]
pub mod jail;
