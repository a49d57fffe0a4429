//! Modes on the command line.
//! What each is, outboard-agent says.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser as _, ValueParser};
use outboard_agent::task::Mode;

/// Takes the name of a mode.
pub(in crate::cli) fn parser() -> ValueParser {
    let about = |mode| match mode {
        Mode::Direct => "every tool as it is, a call at a time",
        Mode::Code => "`search` and `execute`: the model writes scripts",
        Mode::Workspace => "those and `bash`, a shell in a workspace of its own",
    };
    let names = Mode::ALL.map(|mode| PossibleValue::new(mode.as_str()).help(about(mode)));
    ValueParser::new(PossibleValuesParser::new(names).try_map(|name| {
        Mode::ALL.into_iter().find(|mode| mode.as_str() == name).ok_or_else(|| format!("no mode `{name}`"))
    }))
}
