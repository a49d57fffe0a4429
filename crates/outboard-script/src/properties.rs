//! Properties of `prepare` over made-up and broken scripts: no panics, and edits that can be undone.
//!
//! Test code only. Cases with their exact programs are tables in `tests/it`.

use crate::{Language, Prepared, Rejected, prepare};
use proptest::prelude::*;

/// Statements without any TypeScript, each complete by itself.
const PLAIN: [&str; 22] = [
    "const a = await t.f({ page: 1, 'x-y': [1, 2] })",
    "let { b, ...rest } = a ?? {}, [c = 3] = []",
    "for (const x of [1, 2]) { if (x > 1) continue; else t.n() }",
    "for await (const y of g()) y",
    "function* g(n = 1) { yield* [n] }",
    "async function h() { return await 1 }",
    "const k = async ({ a }, ...b) => ({ a, b })",
    "class A extends Object { #p = 1; static s = 2; get q() { return this.#p } static { this.s++ } }",
    "if (a) b = 1; else { b = 2 }",
    "try { t.n() } catch { 0 } finally { 1 }",
    "switch (a) { case 1: break; default: 'd' }",
    "const s = `a${`b${1}`}c\n```` ` + 'ü😀' + \"\\\"\"",
    "const r = /[/'\"`]+/gu.test('/') / 2",
    "label: while (true) { break label }",
    "a < b > c",
    "x = a ? (b) : c => d",
    "t.n() // it's done",
    "/* a\n b */ t['n']()",
    "do { var z = 1 } while (z-- > 1)",
    "({ a: 1, get b() { return 2 }, async *c() {} })",
    "export const e = 1",
    "new.target",
];

/// Scripts with types and in every form, to be broken.
fn corpus() -> Vec<&'static str> {
    let cases = [
        include_str!("../tests/it/cases/forms.txt"),
        include_str!("../tests/it/cases/types.txt"),
        include_str!("../tests/it/cases/findings.txt"),
    ];
    cases
        .iter()
        .flat_map(|text| text.split("\n====\n").skip(1))
        .filter_map(|case| case.split("\n----").next())
        .collect()
}

fn fragments() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "<",
        ">",
        "=>",
        "`",
        "${",
        "'",
        "\"",
        "/",
        "/*",
        "*/",
        "//",
        "\\",
        "\\u{",
        ";",
        ",",
        ":",
        "?",
        "!",
        ".",
        "...",
        "=",
        "#",
        "@",
        "~~~",
        "```",
        "\n",
        "\r",
        "\r\n",
        "\u{2028}",
        "\u{feff}",
        "é",
        "😀",
        " as ",
        " satisfies ",
        "async ",
        "await ",
        "enum E {",
        "class ",
        "type A =",
        "interface ",
        "abstract ",
        "export default ",
        "return ",
        "declare ",
        "namespace ",
        "private ",
        "import ",
        "<T,>",
        "function ",
        "\0",
    ])
}

/// A script of the corpus with pieces cut out of it and put into it, or fragments alone.
fn broken() -> impl Strategy<Value = String> {
    let places = prop::collection::vec((any::<prop::sample::Index>(), 0..6_usize, fragments()), 1..6);
    (prop::sample::select(corpus()), places).prop_map(|(script, places)| {
        let mut chars = script.chars().collect::<Vec<_>>();
        for (at, cut, put) in places {
            let at = at.index(chars.len() + 1);
            let end = (at + cut).min(chars.len());
            chars.splice(at..end, put.chars());
        }
        chars.into_iter().collect()
    })
}

fn check_sound(text: &str, outcome: &Result<Prepared, Rejected>) {
    match outcome {
        Ok(prepared) => {
            for (at, line) in prepared.program.lines().enumerate() {
                for column in 0..line.len() + 2 {
                    let (line, column) = (u32::try_from(at + 1).unwrap(), u32::try_from(column).unwrap());
                    if let Some(position) = prepared.positions.to_source(line, column) {
                        assert!(
                            prepared.positions.source_line(position.line).is_some(),
                            "{text:?} {position}"
                        );
                    }
                }
            }
        }
        Err(rejected) => {
            assert!(!rejected.findings.is_empty(), "{text:?}");
            let failed = |finding: &crate::Finding| finding.message.contains("the parser failed");
            assert!(!rejected.findings.iter().any(failed), "{text:?}");
            assert!(!rejected.render().is_empty());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn broken_scripts_are_answered_without_a_panic(text in broken()) {
        check_sound(&text, &prepare(&text, Some(Language::TypeScript)));
    }

    #[test]
    fn any_text_is_answered_without_a_panic(text in "\\PC*|[\\x00-\\x7f]{0,80}") {
        check_sound(&text, &prepare(&text, Some(Language::TypeScript)));
    }

    #[test]
    fn fragments_are_answered_without_a_panic(parts in prop::collection::vec(fragments(), 0..40)) {
        let text = parts.concat();
        check_sound(&text, &prepare(&text, Some(Language::TypeScript)));
    }

    #[test]
    fn a_script_without_types_is_left_when_the_edits_are_undone(
        parts in prop::collection::vec((prop::sample::select(&PLAIN[..]), prop::sample::select(&["\n", ";\n", ";\r\n", "\n\n"][..])), 1..8),
    ) {
        let text = parts.iter().filter(|(part, _)| *part != "new.target").map(|(part, end)| [*part, end].concat()).collect::<String>();
        prop_assume!(!text.is_empty());
        // A declaration may follow itself here; that is for the sandbox to refuse.
        let prepared = prepare(&text, Some(Language::TypeScript)).map_err(|rejected| TestCaseError::fail(rejected.render()))?;
        let left = prepared.positions.undo(&prepared.program).expect("the pieces cover the source");
        prop_assert_eq!(left.replace("       const e", "export const e"), text);
    }
}
