//! What the parser of the command line says, told as everything else is: help on standard output, mistakes as `error:`
//! and `hint:`. It parses nothing.

use std::ffi::OsString;

use clap::error::ErrorKind;

use crate::report::{self, Failure, USAGE};

/// Whether the result is for a program. Known before the command line is: a mistake in it is told to that program too.
pub(super) fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let mut arguments = arguments.take_while(|argument| argument != "--").peekable();
    // The standard output of a server belongs to the protocol.
    arguments.peek().is_some_and(|command| command != "serve")
        && arguments.any(|argument| argument == "--json")
}

/// Tells of help that was asked for, or gives the mistake.
pub(super) fn told(error: &clap::Error) -> Result<(), Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            report::line(error.render().ansi().to_string().trim_end());
            Ok(())
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            report::note(error.render().ansi().to_string().trim_end());
            Err(Failure::told().code(USAGE))
        }
        kind => {
            let needs_usage = kind == ErrorKind::MissingRequiredArgument;
            let command = std::env::args().nth(1).filter(|word| is_known(word)).unwrap_or_default();
            Err(mistake(&error.render().to_string(), needs_usage, &command))
        }
    }
}

fn is_known(word: &str) -> bool {
    super::visible().get_subcommands().any(|command| command.get_name() == word)
}

/// A mistake from the parser's text: its first paragraph says what is wrong, lines with `tip:` what was probably meant.
fn mistake(text: &str, needs_usage: bool, command: &str) -> Failure {
    let text = text.strip_prefix("error: ").unwrap_or(text);
    let paragraph = text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim);
    let what = paragraph.collect::<Vec<_>>().join(" ");
    let usage = text.lines().find_map(|line| line.strip_prefix("Usage: "));
    let mut hints: Vec<String> =
        text.lines().filter_map(|line| line.trim().strip_prefix("tip: ")).map(str::to_owned).collect();
    if let Some(usage) = usage.filter(|_| needs_usage) {
        hints.push(format!("usage: {usage}"));
    }
    let command = if command.is_empty() { "outboard".to_owned() } else { format!("outboard {command}") };
    hints.push(format!("{command} --help tells all"));
    Failure::new(what).hint(hints.join("\n")).code(USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_in_one_line_with_what_was_meant() {
        for (text, needs_usage, command, what, hint) in [
            (
                "error: unexpected argument '--jsn' found\n\n  tip: a similar argument exists: '--json'\n\nUsage: outboard list --json\n\nFor more information, try '--help'.\n",
                false,
                "list",
                "unexpected argument '--jsn' found",
                "a similar argument exists: '--json'\noutboard list --help tells all",
            ),
            (
                "error: invalid value 'x' for '--scope <SCOPE>'\n  [possible values: user, project]\n\nFor more information, try '--help'.\n",
                false,
                "",
                "invalid value 'x' for '--scope <SCOPE>' [possible values: user, project]",
                "outboard --help tells all",
            ),
            (
                "error: the following required arguments were not provided:\n  <NAME>\n\nUsage: outboard add <NAME> [ARGS]...\n\nFor more information, try '--help'.\n",
                true,
                "add",
                "the following required arguments were not provided: <NAME>",
                "usage: outboard add <NAME> [ARGS]...\noutboard add --help tells all",
            ),
        ] {
            let told = mistake(text, needs_usage, command).json();
            assert_eq!(
                (&told["message"], &told["hint"], &told["exitCode"]),
                (&what.into(), &hint.into(), &2.into())
            );
        }
    }

    #[test]
    fn json_is_asked_for_before_the_end_of_options_and_never_of_a_server() {
        for (line, asks) in [
            ("list --json", true),
            ("--bogus --json", true),
            ("list", false),
            ("add x -- y --json", false),
            ("serve --json", false),
            ("", false),
        ] {
            let words = line.split_whitespace().map(OsString::from);
            assert_eq!(asks_for_json(words), asks, "{line}");
        }
    }
}
