//! What scripts become: their form, their program, their findings, the way back of positions.

use crate::cases;
use outboard_script::{Form, Language, Prepared, prepare};

fn prepared(text: &str) -> Prepared {
    prepare(text, None).unwrap_or_else(|rejected| panic!("{text:?}\n{}", rejected.render()))
}

/// The program without its wrapper.
fn inner(prepared: &Prepared) -> &str {
    let inner = prepared.program.strip_prefix("(async()=>{\n").and_then(|rest| rest.strip_suffix("\n})()"));
    inner.expect("the program is wrapped")
}

#[track_caller]
fn check_programs(file: &'static str, at_least: usize) {
    let cases = cases::read(file);
    assert!(cases.len() >= at_least, "{} cases", cases.len());
    for case in cases {
        let prepared = prepared(case.given);
        let form = format!("{:?}", prepared.form);
        let expected_form = case.note.split(" = ").next().unwrap_or_default();
        let got = (form.as_str(), cases::shown(inner(&prepared)));
        assert_eq!(got, (expected_form, case.expected.to_owned()), "{}", case.given);
    }
}

#[test]
fn every_form_becomes_a_program_that_returns_its_value() {
    check_programs(include_str!("cases/forms.txt"), 60);
}

#[test]
fn types_are_blanked_and_enums_and_parameter_properties_lowered() {
    check_programs(include_str!("cases/types.txt"), 70);
}

#[test]
fn mistakes_are_shown_with_place_line_and_hint() {
    let cases = cases::read(include_str!("cases/findings.txt"));
    assert!(cases.len() >= 50, "{} cases", cases.len());
    for case in cases {
        let rejected = prepare(case.given, Some(Language::TypeScript)).expect_err(case.given);
        assert_eq!(cases::shown(&rejected.render()), case.expected, "{}", case.given);
    }
}

#[test]
fn marks_and_line_ends_around_a_script_change_nothing() {
    let table = [
        ("\u{feff}return 1", Form::TopLevelReturn, "   return 1"),
        ("\u{feff}#!/usr/bin/env node\nreturn 1", Form::TopLevelReturn, "                      \nreturn 1"),
        ("```js\n#!/bin/node\r\n1\r\n```", Form::Expression, "     \n           \r\nreturn 1\r\n   "),
        ("const a = 1\r\n\r\nreturn a\r\n", Form::TopLevelReturn, "const a = 1\r\n\r\nreturn a\r\n"),
        ("const a = 1\rreturn a", Form::TopLevelReturn, "const a = 1\nreturn a"),
        ("let a: A\r\n  = 1\ra", Form::Statements, "let a   \r\n  = 1\nreturn a"),
    ];
    for (text, form, program) in table {
        let prepared = prepared(text);
        assert_eq!((prepared.form, inner(&prepared)), (form, program), "{text:?}");
    }
}

#[test]
fn positions_of_quickjs_lead_back_to_the_text_as_sent() {
    let text = "Prose, isn't it?\n```ts\ninterface A { x: string }\nconst é = \"😀\" as string; function boom(a: A): never { throw new Error(\"b\") }\nenum E { A, B = \"x\".length }\nclass Q { constructor(private a: number) { this.run() } }\nboom({ x: é })\n```";
    let positions = prepared(text).positions;
    // Lines and columns as the sandbox reports them for the program: columns count bytes.
    let table = [
        (5, 70, Some("4:66")),
        (6, 1, Some("5:1")),
        (6, 40, Some("5:10")),
        (7, 44, Some("6:43")),
        (7, 55, Some("6:46")),
        (8, 1, Some("7:1")),
        (8, 9, Some("7:2")),
        (8, 12, Some("7:5")),
        (1, 5, None),
        (11, 1, None),
        (99, 1, None),
    ];
    for (line, column, expected) in table {
        let position = positions.to_source(line, column).map(|position| position.to_string());
        assert_eq!(position.as_deref(), expected, "{line}:{column}");
    }
}

#[test]
fn words_are_the_names_a_script_uses_outside_of_types() {
    let text = "type Hidden = demo_types.X;\nconst { list_issues } = github;\nconst n: Hidden = await demo.count({ page: 1 });\ngithub[\"create-issue\"]({ title: `literal` }); // comment\nenum Size { Small }";
    let words = prepared(text).words;
    let expected =
        ["Size", "Small", "count", "create-issue", "demo", "github", "list_issues", "n", "page", "title"];
    assert_eq!(words.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(!prepared("{ a: 1 }").words.contains("x"));
}

#[test]
fn the_source_stays_at_hand_line_by_line() {
    let positions = prepared("```ts\nconst a: number = 1\r\nreturn a\n```").positions;
    assert_eq!(positions.source_line(2), Some("const a: number = 1"));
    assert_eq!((positions.source_line(0), positions.source_line(5)), (None, None));
}
