//! `outboard demo` and the MCP servers that it measures with. The work is outboard-demo's; here its
//! report is printed and its progress shown.

use std::{io::IsTerminal as _, path::PathBuf};

use clap::Args;
use outboard_demo::{DemoOptions, Style, UpstreamOptions, WorkplaceOptions};

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
    /// Be the workplace instead, and add each call that is received to this file
    #[arg(long, value_name = "FILE")]
    workplace: Option<PathBuf>,
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
        if !report.answers_agree() {
            return Err(Failure::new("the ways did not come to the same answer"));
        }
        match &report.untrue()[..] {
            [] => Ok(()),
            untrue => Err(Failure::new(format_args!("not shown: {}", untrue.join("; ")))),
        }
    }
}

impl DemoUpstream {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let latency = !self.no_latency;
        let served = match self.workplace {
            Some(log) => outboard_demo::serve_workplace(WorkplaceOptions { latency, log }).await,
            None => outboard_demo::serve(UpstreamOptions { latency }).await,
        };
        served.map_err(|error| Failure::could_not(&error))
    }
}
