//! `outboard demo` and the MCP server that it measures with. The work is outboard-demo's; here its
//! report is printed and its progress shown.

use std::io::IsTerminal as _;

use clap::Args;
use outboard_demo::{DemoOptions, Style, UpstreamOptions};

use super::variable;
use crate::report::{self, Failure};

/// Options of `outboard demo`.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Print one JSON object instead of tables
    #[arg(long)]
    json: bool,
    /// Let the demo's server answer at once instead of like a service behind a network
    #[arg(long)]
    no_latency: bool,
}

/// Options of `outboard demo-upstream`.
#[derive(Debug, Args)]
pub(super) struct DemoUpstream {
    /// Answer at once
    #[arg(long)]
    no_latency: bool,
}

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let exe = std::env::current_exe().map_err(|error| Failure::could_not(&error))?;
        let options = DemoOptions { exe, latency: !self.no_latency };
        let report = outboard_demo::run(options, report::progress).await;
        report::progress("");
        let report = report.map_err(|error| Failure::could_not(&error))?;
        if self.json {
            report::line(format_args!("{:#}", report.to_json()));
        } else {
            report::line(report.render(Style::detect(std::io::stdout().is_terminal(), variable)).trim_end());
        }
        if report.answers_agree() {
            Ok(())
        } else {
            Err(Failure::new("the ways did not come to the same answer"))
        }
    }
}

impl DemoUpstream {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let options = UpstreamOptions { latency: !self.no_latency };
        outboard_demo::serve(options).await.map_err(|error| Failure::could_not(&error))
    }
}
