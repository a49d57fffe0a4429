//! Python scripts: how they are recognised, what they become, their mistakes, and texts made to hurt.

use crate::cases;
use outboard_script::{CatalogueView, Language, Preparation, Prepared, Rejected, prepare, prepare_with};
use std::time::{Duration, Instant};

struct Tools;

impl CatalogueView for Tools {
    fn has_namespace(&self, name: &str) -> bool {
        ["github", "data"].contains(&name)
    }
}

fn python(text: &str) -> Result<Prepared, Rejected> {
    let preparation =
        Preparation { language: Some(Language::Python), catalogue: &Tools, ..Preparation::default() };
    prepare_with(text, &preparation)
}

#[test]
fn the_language_is_what_the_code_can_be() {
    use Language::{Python, TypeScript};
    let table = [
        ("1 + 1", TypeScript),
        ("await github.list()", TypeScript),
        ("a = [1, 2]\na", TypeScript),
        ("x = github.f({a: 1})\nx.y", TypeScript),
        ("type A = 1; const b: A = 1; b", TypeScript),
        ("```js\nprint(None)\n```", TypeScript),
        ("print(1)", Python),
        ("x = None", Python),
        ("await github.list(page=1)", Python),
        ("len(await github.list())", Python),
        ("return await github.list(page=1)", Python),
        ("rows = await github.list(page=1)\nreturn rows", Python),
        ("page = 1\nreturn await github.list(page=page)", Python),
        ("return len(await github.list())", Python),
        ("return None", Python),
        ("return await github.list({page: 1})", TypeScript),
        ("a = await github.list()\nreturn a", TypeScript),
        ("let a = await github.list()\nreturn f(a = 1)", TypeScript),
        ("await github.list({filter: 'open', all: 1})", TypeScript),
        ("return await github.list({filter: 'open', page: 1}) == 2", TypeScript),
        ("# a comment\n1", Python),
        ("import json\njson.dumps([1])", Python),
        ("def main():\n    return 1", Python),
        ("[x for x in [1, 2]]", Python),
        ("f'{1}'", Python),
        ("if a:\n  b()", Python),
        ("```python\n1 + 1\n```", Python),
        ("```\nx = not True\n```", Python),
        ("x: int = 1\nx", Python),
        ("async def main():\n    return await github.list()\nasyncio.run(main())", Python),
    ];
    for (text, language) in table {
        let prepared = prepare(text, None).unwrap_or_else(|rejected| panic!("{text}\n{}", rejected.render()));
        assert_eq!(prepared.language, language, "{text}");
        // What was recognised once is prepared in the same way when the language is known.
        let again = prepare(text, Some(language)).unwrap();
        assert_eq!(again.program, prepared.program, "{text}");
    }
}

#[test]
fn mistakes_are_told_in_the_language_that_the_code_looks_like() {
    for (text, message) in [
        ("def f(x:\n    return x\nprint(f(1))", "expected `)`"),
        ("const a = ;", "unexpected `;`"),
        ("print 'a'", "unexpected `'`"),
    ] {
        let rejected = prepare(text, None).unwrap_err();
        let found = &rejected.findings[0].message;
        assert!(found.starts_with(message), "{text}: {found}");
    }
}

#[test]
fn mistakes_are_shown_with_place_line_and_hint() {
    let cases = cases::read(include_str!("cases/python.txt"));
    assert!(cases.len() >= 20, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in cases {
        let shown = match python(case.given) {
            Ok(_) => "fine".to_owned(),
            Err(rejected) => cases::shown(&rejected.render()),
        };
        if shown != case.expected {
            wrong += &format!("====\n{}\n----\n{shown}\n", case.given);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn words_are_names_attributes_and_literal_keys() {
    let words =
        python("from json import y\nz = await github.list(page=1)\ndata[\"a-b\"](getattr(data, 'c'))\nz")
            .unwrap_err();
    assert_eq!(words.findings[0].message, "`data[\"a-b\"]` is called but not awaited");
    let words =
        python("z = await github.list(page=1)\nawait data[\"a-b\"](getattr(data, 'c'))").unwrap().words;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(words, ["a-b", "c", "data", "getattr", "github", "list", "page", "z"]);
}

#[test]
fn positions_lead_back_to_the_text_as_sent() {
    let prepared = prepare("Prose\n\n```py\n  é = 'ü'\n  boom(é)\n```\nmore", None).unwrap();
    assert_eq!(prepared.program, "\n\n\né = 'ü'\nboom(é)\n");
    for ((line, column), expected) in [
        ((4, 5), Some("4:7")),
        ((5, 1), Some("5:3")),
        ((5, 99), Some("5:10")),
        ((1, 1), None),
        ((9, 1), None),
    ] {
        let place = prepared.positions.to_source(line, column).map(|place| place.to_string());
        assert_eq!(place.as_deref(), expected, "{line}:{column}");
    }
}

/// What a text of a megabyte may take here, builds without optimisation and busy machines included.
const SOON: Duration = Duration::from_secs(30);

#[track_caller]
fn check_hostile(text: &str, expected: Option<&str>) {
    let begun = Instant::now();
    let message = python(text).err().map(|rejected| rejected.findings[0].message.clone());
    let shown = text.chars().take(40).collect::<String>();
    assert!(begun.elapsed() < SOON, "{shown:?} took {:?}", begun.elapsed());
    if let Some(expected) = expected {
        assert_eq!(message.as_deref(), Some(expected), "{shown:?}");
    }
}

#[test]
fn deep_nesting_is_refused_with_its_place() {
    let deep = Some("nested more than 200 levels deep");
    for unit in ["(", "[", "{", "f(", "[a for a in ", "{1: ", "f'{", "([", "a[b("] {
        check_hostile(&unit.repeat(50_000), deep);
    }
    let rejected = python(&format!("a\n{}", "(".repeat(10_000))).unwrap_err();
    assert_eq!(rejected.findings[0].position.to_string(), "2:201");
    assert!(python(&format!("{}1{}", "(".repeat(200), ")".repeat(200))).is_ok());
}

#[test]
fn long_chains_are_taken_up_to_a_bound() {
    let long = Some("more than 20000 operators in one statement");
    for unit in ["a+", "a.", "a**", "not ", "-", "~", "lambda: ", "a if b else ", "a and ", "a<"] {
        assert!(python(&format!("{}b", unit.repeat(4_000))).is_ok(), "{unit}");
        check_hostile(&format!("{}b", unit.repeat(50_000)), long);
    }
    for (head, unit) in [("f", "()"), ("f", "[0]"), ("a", ".b")] {
        assert!(python(&format!("x = {head}{}", unit.repeat(4_000))).is_ok(), "{unit}");
        check_hostile(&format!("x = {head}{}", unit.repeat(50_000)), long);
    }
}

#[test]
fn any_other_megabyte_is_answered() {
    let nested: String = (0..1_300).map(|depth| format!("{}if a:\n", " ".repeat(depth))).collect();
    check_hostile(&format!("{nested}{}b", " ".repeat(1_300)), None);
    for unit in [
        "(]",
        "[)",
        "{(",
        "if a:",
        "'",
        "\"\"\"",
        "f'{a",
        "\\",
        "\0",
        "match (",
        "with (a as b, ",
        "=",
        "\t",
        "é",
        "@",
        "a = (1,\n",
        "[1, 2],\n",
        "class A:",
        "f'{'{'{'",
        "x = [",
        "def f(",
        "*",
        "async ",
    ] {
        check_hostile(&unit.repeat((1 << 20) / unit.len() / 4), None);
    }
}
