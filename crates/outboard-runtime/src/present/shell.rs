//! The answer to a command in a workspace: one line of ours that says how it ended, then what it wrote.
//! Our line is always the first, so that nothing that a command writes can be taken for it.

use std::time::Duration;

use super::{
    answer::Answer,
    console::Console,
    plain::{clean_line, duration, size},
};
use crate::ports::{
    engine::{ConsoleLevel, ConsoleLine},
    workspace::{End, Ran},
};

/// Tokens of our own line at most.
const OURS: usize = 60;

/// What a command says to the model in at most about `budget` tokens. `deadline` is how long it was given.
pub fn shell(ran: &Ran, deadline: Duration, budget: usize) -> Answer {
    let mut first = match &ran.end {
        End::Code(code) => format!("exit {code}"),
        End::Signal(signal) => format!("ended by signal {signal}{}", named(*signal)),
        End::Deadline => format!(
            "ended after {}, the timeout, with all that ran in the workspace; run long work with `nohup … > log &` and look later",
            duration(deadline)
        ),
        End::Memory => "ended: more memory than the workspace has; all that ran in it was ended".to_owned(),
        End::NotStarted(why) => format!("not run: {}", clean_line(why)),
    };
    if ran.dropped > 0 {
        first.push_str(&format!(
            "; {} more output dropped: write it to a file and look at parts",
            size(ran.dropped)
        ));
    }
    if ran.left > 0 {
        let processes = if ran.left == 1 { "process goes" } else { "processes go" };
        first.push_str(&format!("; {} {processes} on in the background", ran.left));
    }
    let text = shown(&ran.output);
    let lines: Vec<ConsoleLine> = text
        .strip_suffix('\n')
        .or(Some(text.as_str()))
        .filter(|text| !text.is_empty())
        .map(|text| ConsoleLine { level: ConsoleLevel::Log, text: text.to_owned() })
        .into_iter()
        .collect();
    let console = Console::new(&lines, 0, 0);
    if !console.is_empty() {
        first.push('\n');
        first.push_str(&console.fit(budget.saturating_sub(OURS)));
    }
    Answer { text: first, is_error: !matches!(ran.end, End::Code(0)), media: Vec::new() }
}

/// Bytes of anybody's as text: what is no UTF-8 is replaced, what hides or reorders text is written as its code. Control
/// characters are the console's to show.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_hidden(char) { shown.extend(char.escape_unicode()) } else { shown.push(char) }
    }
    shown
}

/// Zero-width and bidirectional characters, separators of lines that are none, and tags.
fn is_hidden(char: char) -> bool {
    matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn named(signal: i32) -> &'static str {
    match signal {
        4 => " (illegal instruction)",
        6 => " (abort)",
        8 => " (arithmetic)",
        9 => " (killed; out of memory, or by itself)",
        11 => " (segmentation fault)",
        24 => " (processor time used up)",
        25 => " (file too large)",
        31 => " (a system call that the workspace does not allow)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ran(end: End, output: &[u8]) -> Ran {
        Ran { end, output: output.to_vec(), errors: Vec::new(), dropped: 0, left: 0 }
    }

    fn text(ran: &Ran) -> String {
        shell(ran, Duration::from_secs(30), 200).text
    }

    #[test]
    fn the_first_line_is_ours_and_the_rest_is_the_commands() {
        assert_eq!(text(&ran(End::Code(0), b"hi\n")), "exit 0\nhi");
        assert_eq!(text(&ran(End::Code(0), b"")), "exit 0");
        assert_eq!(text(&ran(End::Code(2), b"exit 0\nall is well\n")), "exit 2\nexit 0\nall is well");
        assert_eq!(text(&ran(End::Signal(11), b"")), "ended by signal 11 (segmentation fault)");
        assert_eq!(text(&ran(End::NotStarted("no\nfork".into()), b"")), "not run: no fork");
        assert!(text(&ran(End::Deadline, b"so far")).starts_with("ended after 30 s, the timeout, "));
        let left = Ran { left: 2, dropped: 3_000_000, ..ran(End::Code(0), b"x") };
        assert_eq!(
            text(&left),
            "exit 0; 3 MB more output dropped: write it to a file and look at parts; 2 processes go on in the background\nx"
        );
        assert!(!shell(&ran(End::Code(0), b""), Duration::ZERO, 200).is_error);
        assert!(shell(&ran(End::Code(1), b""), Duration::ZERO, 200).is_error);
    }

    #[test]
    fn what_would_command_a_terminal_or_mislead_a_reader_is_shown_as_code() {
        let hostile = "\x1b]0;t\x07\0 safe\u{202e}txt\u{200b}\u{e0041}".as_bytes();
        assert_eq!(
            text(&ran(End::Code(0), hostile)),
            "exit 0\n\\x1b]0;t\\x07\\x00 safe\\u{202e}txt\\u{200b}\\u{e0041}"
        );
        assert_eq!(text(&ran(End::Code(0), b"a\xff\xfeb")), "exit 0\na\u{fffd}\u{fffd}b");
    }

    #[test]
    fn long_output_keeps_to_the_budget() {
        let long: String = (0..5_000).map(|number| format!("line {number}\n")).collect();
        let answer = shell(&ran(End::Code(0), long.as_bytes()), Duration::ZERO, 300);
        assert!(super::super::count_tokens(&answer.text) <= 300);
        assert!(answer.text.contains("left out") && answer.text.ends_with("line 4999"), "{}", answer.text);
    }
}
