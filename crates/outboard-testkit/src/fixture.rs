//! A scripted MCP server: honest tools, and switches that make it misbehave in one way each.
//! It is written by hand over JSON-RPC, because an SDK would not let it be wrong.

mod effects;
mod http;
mod options;
mod server;
mod stdio;
mod suite;
mod tools;
pub(crate) mod wire;

use std::sync::Arc;

use clap::Parser;

use options::Options;
use server::Server;

/// Runs the fixture as its command line says (`--help` documents every switch) until its input ends.
///
/// # Panics
/// If it cannot do what it is told: it has nobody to report to but the test that started it.
pub fn main() {
    let options = Options::parse();
    if let Some(code) = options.exit_at_start {
        exit(code, &options.stderr);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("start the fixture's runtime");
    runtime.block_on(run(options));
    // A read of stdin cannot be interrupted; leave it to the end of the process.
    runtime.shutdown_background();
}

async fn run(options: Options) {
    if options.ignore_term {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terms = signal(SignalKind::terminate()).expect("catch SIGTERM");
        tokio::spawn(async move { while terms.recv().await.is_some() {} });
    }
    if let Some(file) = &options.grandchild {
        spawn_grandchild(file);
    }
    if !options.stderr.is_empty() {
        write_stderr(&options.stderr);
    }
    let http = options.http;
    let server = Arc::new(Server::new(options));
    if http { http::run(server).await } else { stdio::run(server).await }
}

/// Leaves a process in the fixture's group that neither reads the pipes nor ends by itself.
#[expect(clippy::zombie_processes, reason = "the test wants a process that nobody waits for")]
fn spawn_grandchild(pid_file: &std::path::Path) {
    use std::process::{Command, Stdio};
    let mut sleeper = Command::new("sleep");
    sleeper.arg("1000").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = sleeper.spawn().expect("start the grandchild");
    std::fs::write(pid_file, child.id().to_string()).expect("write the grandchild's pid");
}

fn write_stderr(text: &str) {
    use std::io::Write;
    writeln!(std::io::stderr(), "{text}").expect("write to stderr");
}

#[expect(clippy::disallowed_methods, reason = "the fixture's job is to end in the middle of things")]
fn exit(code: i32, message: &str) -> ! {
    if !message.is_empty() {
        write_stderr(message);
    }
    std::process::exit(code)
}
