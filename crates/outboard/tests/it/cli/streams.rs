//! The two streams: readers that go away, disks that are full, colours that nobody wants.

use std::{fs::File, io::Read as _, process::Stdio};

use super::{Person, Said};

#[test]
fn a_reader_that_went_away_is_no_error_and_no_noise() {
    let person = Person::with(&[]);
    for arguments in [
        &["search", ""][..],
        &["list"],
        &["doctor", "--json"],
        &["completions", "zsh"],
        &["--help"],
        &["call", "fix.big", r#"{"bytes": 300000}"#],
    ] {
        let mut command = person.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let code = child.wait().unwrap().code();
        assert!(
            matches!(code, Some(0 | 1)) && !err.contains("panic") && !err.contains("pipe"),
            "{arguments:?}: {code:?} {err}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let person = Person::with(&[]);
    for arguments in [&["search", "add"][..], &["call", "fix.add", "{}"], &["man"]] {
        let mut command = person.command(arguments);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let said = Said::from(command.stdout(full).stderr(Stdio::piped()).output().unwrap());
        said.check(1, &["error: could not write the result: "]);
    }
}

#[test]
fn colours_are_for_those_who_want_them() {
    let person = Person::with(&[]);
    let said = |variables: &[(&str, &str)]| {
        let mut command = person.command(&["call", "fix.nothing"]);
        Said::from(command.envs(variables.iter().copied()).output().unwrap())
    };
    assert!(!said(&[]).err.contains('\u{1b}'));
    assert!(said(&[("CLICOLOR_FORCE", "1")]).err.contains("\u{1b}[1m\u{1b}[31merror:"));
    assert!(!said(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).err.contains('\u{1b}'));
}

#[test]
fn an_outboard_within_an_outboard_starts_nothing() {
    let person = Person::with(&[]);
    for arguments in
        [&["run", "-"][..], &["call", "fix.add"], &["list"], &["doctor"], &["search"], &["describe", "fix"]]
    {
        let mut command = person.command(arguments);
        let said = Said::from(command.env("OUTBOARD_INSIDE", "1").output().unwrap());
        said.check(2, &["started by an Outboard"]);
    }
}
