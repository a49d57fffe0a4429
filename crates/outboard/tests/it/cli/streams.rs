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
    for arguments in [
        &["search", "add"][..],
        &["call", "fix.add", "{}"],
        &["man"],
        &["--help"],
        &["run", "--help"],
        &["--version"],
    ] {
        let mut command = person.command(arguments);
        let full = File::options().write(true).open("/dev/full").unwrap();
        let said = Said::from(command.stdout(full).stderr(Stdio::piped()).output().unwrap());
        said.check(1, &["error: could not write the result: "]);
    }
}

#[test]
fn whoever_asks_for_json_gets_failures_in_json_too() {
    let person = Person::with(&[]);
    for (arguments, code, says) in [
        (&["list", "--bogus"][..], 2, "unexpected argument '--bogus' found"),
        (&["describe", "fix.ad"], 1, "fix has no tool `ad`; did you mean `fix.add`?"),
        (&["call", "fix.ad"], 1, "fix has no tool `ad`; did you mean `fix.add`?"),
        (&["call", "fix.add", "[1]"], 2, "the arguments must be one JSON object"),
        (&["run", "missing.ts"], 2, "could not read missing.ts"),
        (&["search", "--limit", "0", "x"], 2, "0 is not in 1..=100"),
        (&["add", "../x", "--json", "--", "x"], 2, "must begin with a letter"),
    ] {
        let arguments = match arguments.contains(&"--json") {
            true => arguments.to_vec(),
            false => [arguments, &["--json"]].concat(),
        };
        let said = person.says(&arguments);
        said.check(code, &["error: ", says]);
        let error = &said.json()["error"];
        assert!(error["message"].as_str().unwrap().contains(says), "{said:?}");
        assert_eq!((&error["exitCode"], error.get("hint").is_some()), (&code.into(), true), "{said:?}");
    }
    std::fs::write(person.home.state().parent().unwrap().join("config/outboard.json"), "{\"a\": 1}").unwrap();
    for command in ["list", "search", "run"] {
        let said = person
            .given("1", &[&[command, "--json"][..], if command == "run" { &["-"] } else { &[] }].concat());
        said.check(2, &["`a` is not a setting"]);
        assert_eq!(said.json()["error"]["exitCode"], 2, "{said:?}");
    }
}

#[test]
fn mistakes_on_the_command_line_are_told_as_all_others() {
    let person = Person::with(&[]);
    for (arguments, error, hint) in [
        (&["lst"][..], "error: unrecognized subcommand 'lst'\n", "hint: "),
        (
            &["add", "x"],
            "error: the following required arguments were not provided: <COMMAND_OR_URL>\n",
            "hint: usage: outboard add ",
        ),
        (
            &["run", "--max-tokens", "0", "-"],
            "0 is not in 100..=200000\n",
            "hint: outboard run --help tells all\n",
        ),
        (&["describe", "--language", "ruby", "x"], "[possible values: typescript, python]\n", "hint: "),
    ] {
        let said = person.says(arguments);
        said.check(2, &[error, hint]);
        assert_eq!(said.out, "");
    }
    assert!(person.says(&["run", "--help"]).fine().contains("[possible values: typescript, python]"));
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
