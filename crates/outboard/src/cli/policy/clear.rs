//! `outboard policy clear`: a person says that what sessions have seen so far may leave the organisation.
//! No option says it instead of a person.

use std::io::IsTerminal as _;

use clap::Args;

use super::super::{show, variable};
use crate::{
    config::Places,
    report::{self, Failure},
    tainted,
};

/// Options of `outboard policy clear`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Clear {}

impl Clear {
    pub(super) fn run(self) -> Result<(), Failure> {
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let seen = tainted::read(&places.state).map_err(|problem| Failure::could_not(&problem))?.taint;
        let what = match (seen.private, seen.untrusted) {
            (true, true) => "private data and untrusted content",
            (true, false) => "private data",
            (false, true) => "untrusted content",
            (false, false) => "neither private data nor untrusted content",
        };
        report::line(format_args!("sessions have seen {what}"));
        // No option agrees beforehand: what could give it is what the guard is against.
        if !std::io::stdin().is_terminal() {
            return Err(Failure::new("clearing it needs a person at a terminal"));
        }
        if show::confirmed(
            "May operations that leave the organisation go on without asking, in all sessions?",
        )? {
            tainted::clear(&places.state).map_err(|problem| Failure::could_not(&problem))?;
            report::line("cleared");
        }
        Ok(())
    }
}
