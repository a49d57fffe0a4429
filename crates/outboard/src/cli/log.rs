//! The log: to standard error, because standard output is the protocol's or the result's.
//! What a command tells a person is not a log; that is the reporter's.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use super::variable;

/// What commands that end by themselves log: they tell a person what matters.
pub(super) const QUIET: &str = "off";

/// Starts the log with this filter unless `OUTBOARD_LOG` names another. It can be started once.
pub(super) fn to_stderr(filter: &str) {
    // The SDK's own log would show arguments and results, which are nobody's to read here, unless it is asked for.
    let asked = variable("OUTBOARD_LOG").unwrap_or_else(|| filter.to_owned());
    let filter = EnvFilter::new(if asked.contains("rmcp") { asked } else { format!("{asked},rmcp=warn") });
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(
            std::io::stderr().is_terminal() && variable("NO_COLOR").is_none_or(|value| value.is_empty()),
        )
        .init();
}
