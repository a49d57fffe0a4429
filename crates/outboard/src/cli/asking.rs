//! Asks the person at the terminal what a run or a call of this process wants to know. What they type means what the line
//! below the question says, and anything else asks again.

use std::{convert::Infallible, io, sync::Arc};

use outboard_runtime::approval::{self, Approvals, Medium, NotOpen, Said, Sheet};

use crate::report::{self, Terminal};

/// What a person chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    Said(Said),
    Always,
    Script,
    Unclear,
}

/// Answers the open questions one after another, for ever. Without a terminal it does nothing.
pub(super) async fn at_terminal(approvals: &Approvals, terminal: Option<Terminal>) -> Infallible {
    let Some(mut terminal) = terminal else { return std::future::pending().await };
    let mut changes = approvals.watch();
    loop {
        changes.borrow_and_update();
        if let Some(sheet) = approvals.open().first().map(Arc::clone) {
            if let Err(error) = answer(&mut terminal, approvals, &sheet).await {
                report::warn(format_args!("could not ask at the terminal: {error}"));
                return std::future::pending().await;
            }
            continue;
        }
        if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Asks until the question is answered, here or elsewhere.
async fn answer(terminal: &mut Terminal, approvals: &Approvals, sheet: &Sheet) -> io::Result<()> {
    let mut text = format!("\n{}\n{}", approval::render(sheet, Medium::Terminal), choices(approvals, sheet));
    loop {
        let typed = tokio::select! {
            typed = terminal.ask(&text) => typed?,
            () = approvals.closed(&sheet.id) => return terminal.show("\nthe question has been taken back or answered elsewhere\n"),
        };
        // Whoever hangs up says nothing.
        let Some(typed) = typed else { return Err(io::ErrorKind::UnexpectedEof.into()) };
        let chosen = choice(&typed);
        let (in_script, rules) = (sheet.first().script.is_some(), approvals.can_always());
        let chosen = if is_offered(chosen, in_script, rules) { chosen } else { Choice::Unclear };
        let answered = match chosen {
            Choice::Said(said) => approvals.answer(&sheet.id, said),
            Choice::Always => match approvals.answer_always(&sheet.id).await {
                Ok(told) => return terminal.show(&format!("{told}\n")),
                Err(not_open) => Err(not_open),
            },
            Choice::Script => {
                let script = approval::script(sheet).unwrap_or_default();
                text = format!("{script}\n{}", choices(approvals, sheet));
                continue;
            }
            Choice::Unclear => {
                text = choices(approvals, sheet);
                continue;
            }
        };
        return match answered {
            Ok(()) => Ok(()),
            Err(NotOpen { .. }) => terminal.show("the question has been taken back or answered elsewhere\n"),
        };
    }
}

fn choices(approvals: &Approvals, sheet: &Sheet) -> String {
    let (in_script, rules) = (sheet.first().script.is_some(), approvals.can_always());
    let offered = |choice| is_offered(choice, in_script, rules);
    let always = if offered(Choice::Always) { "   [w] always" } else { "" };
    let script = if offered(Choice::Script) { "   [s] show the script" } else { "" };
    let in_run = if offered(Choice::Said(Said::InRun)) {
        format!("   [r] allow in this run, up to {} calls", sheet.calls)
    } else {
        String::new()
    };
    format!("  [a] allow once{in_run}{always}   [d] deny{script} ")
}

/// Whether the line below a question shows this choice; `in_script` says who asks, `rules` whether they can be written.
fn is_offered(choice: Choice, in_script: bool, rules: bool) -> bool {
    match choice {
        Choice::Said(Said::InRun) | Choice::Script => in_script,
        Choice::Always => rules,
        Choice::Said(Said::Once | Said::No) | Choice::Unclear => true,
    }
}

fn choice(typed: &str) -> Choice {
    match typed.trim().to_ascii_lowercase().as_str() {
        "a" => Choice::Said(Said::Once),
        "r" => Choice::Said(Said::InRun),
        "w" => Choice::Always,
        "d" => Choice::Said(Said::No),
        "s" => Choice::Script,
        _ => Choice::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_letters_that_are_shown_are_answers() {
        for (typed, expected) in [
            ("a", Choice::Said(Said::Once)),
            (" A\n", Choice::Said(Said::Once)),
            ("d", Choice::Said(Said::No)),
            ("", Choice::Unclear),
            ("y", Choice::Unclear),
            ("yes", Choice::Unclear),
            ("aa", Choice::Unclear),
        ] {
            assert_eq!(choice(typed), expected, "{typed}");
        }
        let all = ["a", "r", "w", "d", "s"].map(choice);
        let offered = |in_script, rules| all.map(|choice| is_offered(choice, in_script, rules));
        assert_eq!(offered(true, true), [true; 5]);
        assert_eq!(offered(false, false), [true, false, false, true, false]);
    }
}
