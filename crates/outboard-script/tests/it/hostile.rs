//! Texts made to hurt: deep, long, repetitive. Each must be answered soon, and never by a crash.

use outboard_script::{Language, Limits, Preparation, Prepared, Rejected, prepare_with};
use std::time::{Duration, Instant};

/// What a text of a megabyte may take here, builds without optimisation and busy machines included.
const SOON: Duration = Duration::from_secs(20);

const INTRICATE: &str =
    "too intricate to be parsed within bounds: too much code inside of nested parentheses or `<`";

/// As TypeScript.
fn prepare(text: &str) -> Result<Prepared, Rejected> {
    outboard_script::prepare(text, Some(Language::TypeScript))
}

#[track_caller]
fn check(text: &str, expected: Option<&str>) {
    let begun = Instant::now();
    let message = prepare(text).err().map(|rejected| rejected.findings[0].message.clone());
    let shown = text.chars().take(40).collect::<String>();
    assert!(begun.elapsed() < SOON, "{shown:?} took {:?}", begun.elapsed());
    assert_eq!(message.as_deref(), expected, "{shown:?}");
}

#[test]
fn deep_nesting_is_refused_with_its_place() {
    for unit in
        ["(", "[", "{", "f(", "(a=>", "({a:", "`${", "if(a){", "x=class{a=", "let a:A<", "let a:[", "f<"]
    {
        check(&unit.repeat(10_000), Some("nested more than 256 levels deep"));
        check(&format!("const a = 1\n{}", unit.repeat(100_000)), Some("nested more than 256 levels deep"));
    }
    let rejected = prepare(&format!("a\n{}", "(".repeat(10_000))).unwrap_err();
    assert_eq!(rejected.findings[0].position.to_string(), "2:257");
}

#[test]
fn nesting_within_bounds_is_taken() {
    for (open, close) in [("(", ")"), ("[", "]"), ("({a:", "})"), ("(a=>", ")"), ("(a=", ")"), ("`${", "}`")]
    {
        let depth = 256 / open.matches(['(', '[', '{', '`']).count();
        check(&format!("{}1{}", open.repeat(depth), close.repeat(depth)), None);
    }
}

#[test]
fn long_chains_are_taken_up_to_a_bound() {
    let units = [
        "a+",
        "a.b+",
        "a&&",
        "a?b:",
        "a=>",
        "a=",
        "!",
        "typeof ",
        "a,",
        "if(a)b;else ",
        "if(a)",
        "a:",
        "- ",
        "a??",
    ];
    for unit in units {
        let end = if unit == "a:" { "b" } else { "1" };
        assert!(prepare(&format!("{}{end}", unit.repeat(2_000))).is_ok() || unit == "a:", "{unit}");
        let _ = prepare(&format!("{}{end}", unit.repeat((1 << 20) / unit.len() - 1)));
    }
    check(&"!".repeat(100_000), Some("more than 20000 operators in one statement"));
    check(&format!("a{}", ".a".repeat(100_000)), Some("more than 20000 operators in one statement"));
}

#[test]
fn large_flat_scripts_are_taken() {
    check(&format!("[{}]", "1,".repeat(100_000)), None);
    check(&format!("[{}]", "{ id: 1, tags: ['a', \"b\"] },".repeat(30_000)), None);
    check(&"const a = b(c => c.d + 1)\n{ let a: number = 1 as any }\n".repeat(15_000), None);
    check(&format!("`{}`", "x".repeat(1_000_000)), None);
    check(&format!("{}1", "// ((((\n".repeat(100_000)), None);
}

#[test]
fn what_the_parser_would_read_again_and_again_is_refused() {
    let inside = "1,".repeat(200_000);
    check(&format!("{}{inside}", "(a=".repeat(200)), Some(INTRICATE));
    check(&format!("{}{inside}", "a?(b):c=>{[".repeat(100)), Some(INTRICATE));
}

#[test]
fn nesting_behind_an_ambiguous_regular_expression_is_found() {
    for head in ["if(a)/`/;", "a\n/'/.test(", "class A{}/`/;", "x as A<b>\n/\"`/;", "i++/`/;"] {
        check(&format!("{head}{}", "(".repeat(100_000)), Some("nested more than 256 levels deep"));
    }
    check(&format!("<!-- `\n{}", "(".repeat(100_000)), Some(INTRICATE));
    check(&"if(a)/`'/;\nf();".repeat(400), Some(INTRICATE));
}

#[test]
fn size_is_bounded_before_anything_else() {
    let text = "é".repeat(600_000);
    let rejected = prepare(&text).unwrap_err();
    assert_eq!(rejected.findings[0].message, "the script has 1200000 bytes; at most 1048576 are taken");
    for (source_bytes, taken) in [(7, false), (8, true)] {
        let preparation = Preparation { limits: Limits { source_bytes }, ..Preparation::default() };
        assert_eq!(prepare_with("return 1", &preparation).is_ok(), taken);
    }
}

#[test]
fn a_flood_of_mistakes_is_cut_to_ten() {
    let rejected = prepare(&"const a;\n".repeat(1_000)).unwrap_err();
    assert_eq!((rejected.findings.len(), rejected.left_out), (10, 990));
    check(&"\\".repeat(1 << 20), Some("invalid Unicode escape sequence"));
}

#[test]
fn an_ordinary_script_takes_well_under_a_millisecond() {
    let script = "const page: Page<Row> = await data.get({ page: n as number });\nconst rows = page.records.filter((row: Row) => !row.ok);\n".repeat(100);
    let best = (0..20).map(|_| {
        let begun = Instant::now();
        assert!(prepare(&script).is_ok());
        begun.elapsed()
    });
    let best = best.min().expect("there were rounds");
    // Ten times the bound that is meant, for builds without optimisation and busy machines.
    assert!(best < Duration::from_millis(10), "{best:?}");
}
