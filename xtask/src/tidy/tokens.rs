//! What must not be written in shipped code: printing, `#[allow]`, `unwrap`, and `unsafe` outside the loaders.
//! Talks to nothing. Looks at tokens, so strings and comments may name what is banned.

use super::Finding;
use super::lexer::Kind;
use super::source::{Source, attribute, in_folder};

/// The one place that writes to the terminal.
const REPORTER: &[&str] = &["crates/outboard/src/report.rs", "crates/outboard/src/report/"];
/// Programs for the project's own use: they are started by people and tests, never by a client of Outboard.
const OWN_TOOLS: &[&str] = &["xtask/", "crates/outboard-testkit/", "crates/outboard-bench/", "guests/"];
/// The files that load our own serialised guests, the system calls of the jail's launcher that no library wraps, and the shim of the
/// jail's Python, which has no library but libc;
/// `unsafe` may stand there, each with its reason.
const LOADERS: &[&str] = &[
    "crates/outboard-engines/src/quickjs/image.rs",
    "crates/outboard-engines/src/cpython/image.rs",
    "crates/outboard-jail/src/sys.rs",
    "crates/outboard-jail/src/python/shim.rs",
];

const PRINTS: &[&str] = &["println", "eprintln", "print", "eprint", "dbg"];

/// Finds macros that print, outside the reporter and the project's own tools.
pub(crate) fn prints(source: &Source<'_>) -> Vec<Finding> {
    let exempt = REPORTER.iter().chain(OWN_TOOLS).any(|place| source.path.starts_with(place))
        || source.path.ends_with("build.rs")
        || in_folder(source.path, "examples");
    if exempt {
        return Vec::new();
    }
    let printing = source.shipped().filter(|index| {
        PRINTS.contains(&source.text_at(*index))
            && source.reads(index + 1, &["!"])
            && matches!(source.text_at(index + 2), "(" | "[" | "{")
    });
    let message = |name| {
        format!(
            "`{name}!` writes past the reporter: stdout belongs to the protocol; use tracing or crates/outboard/src/report.rs"
        )
    };
    printing.map(|index| finding(source, index, "print", message(source.text_at(index)))).collect()
}

/// Finds `#[allow(…)]`, also within `cfg_attr`, in tests too.
pub(crate) fn allows(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for index in 0..source.code.len() {
        let Some((_, inside)) = attribute(&source.code, index) else { continue };
        let allowing = inside.clone().any(|at| {
            let starts = at == inside.start || source.reads(inside.start, &["cfg_attr"]);
            starts && source.reads(at, &["allow", "("])
        });
        if allowing {
            let message =
                "write `#[expect(…, reason = \"…\")]`, which says why and ends when it is no longer needed";
            findings.push(finding(source, index, "allow", message));
        }
    }
    findings
}

/// Finds `unsafe` outside the loaders, and in the loaders without its `// SAFETY:` line; in tests too.
pub(crate) fn unsafes(source: &Source<'_>) -> Vec<Finding> {
    let places = (0..source.code.len())
        .filter(|index| source.code[*index].kind == Kind::Word && source.reads(*index, &["unsafe"]));
    places
        .filter_map(|index| {
            let message = if !LOADERS.contains(&source.path) {
                "`unsafe` stands only in the files that load our own guests or make system calls of the jail, listed in xtask/src/tidy/tokens.rs"
            } else if !has_safety_line(source, source.code[index].line) {
                "`unsafe` needs a `// SAFETY:` comment directly above that says why it is sound"
            } else {
                return None;
            };
            Some(finding(source, index, "unsafe", message))
        })
        .collect()
}

/// Finds `.unwrap()` in code that ships.
pub(crate) fn unwraps(source: &Source<'_>) -> Vec<Finding> {
    if in_folder(source.path, "examples") {
        return Vec::new();
    }
    let places = source.shipped().filter(|index| source.reads(*index, &[".", "unwrap", "(", ")"]));
    let message = "return the error, or state the invariant with `expect(\"…\")`";
    places.map(|index| finding(source, index + 1, "unwrap", message)).collect()
}

fn finding(source: &Source<'_>, index: usize, rule: &'static str, message: impl Into<String>) -> Finding {
    Finding::new(source.path, source.code[index].line, rule, message)
}

/// Whether the comment lines and attributes directly above `line` state why it is safe.
fn has_safety_line(source: &Source<'_>, line: usize) -> bool {
    let lines: Vec<_> = source.text.lines().collect();
    let above = lines[..line - 1].iter().rev().map(|line| line.trim());
    let mut attached = above.take_while(|line| line.starts_with("//") || line.starts_with("#["));
    attached.any(|line| line.starts_with("// SAFETY: ") && line.len() > "// SAFETY: ".len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = "crates/x/src/a.rs";

    /// Checks that `rule` finds something on exactly `lines` of `text`.
    fn check(rule: fn(&Source<'_>) -> Vec<Finding>, path: &str, text: &str, lines: &[usize]) {
        let found = rule(&Source::new(path, text, false));
        assert_eq!(found.iter().map(|finding| finding.line).collect::<Vec<_>>(), lines, "{path}: {text}");
    }

    #[test]
    fn printing_is_for_the_reporter_the_tools_and_tests() {
        for (path, text, lines) in [
            (SHIPPED, "fn a() {\n println!(\"x\");\n}", &[2_usize][..]),
            (SHIPPED, "std::eprint!{\"x\"} dbg![x]", &[1, 1]),
            (SHIPPED, "// println!(\"x\")\nlet a = \"println!(x)\"; print(x); write!(x)", &[]),
            (SHIPPED, "#[cfg(test)] mod tests { fn a() { dbg!(1) } }", &[]),
            ("crates/x/tests/it/main.rs", "fn a() { println!() }", &[]),
            ("crates/outboard/src/report.rs", "fn a() { println!() }", &[]),
            ("crates/outboard/src/report/bars.rs", "fn a() { println!() }", &[]),
            ("crates/outboard/src/reporter.rs", "fn a() { println!() }", &[1]),
            ("crates/outboard-engines/build.rs", "fn a() { println!() }", &[]),
        ] {
            check(prints, path, text, lines);
        }
    }

    #[test]
    fn allow_is_found_in_every_sort_of_attribute() {
        for (text, lines) in [
            ("#[allow(dead_code)] fn a() {}", &[1_usize][..]),
            ("\n#![allow(clippy::all)]", &[2]),
            ("#[cfg_attr(test, allow(dead_code))] fn a() {}", &[1]),
            ("#[cfg(test)] mod tests { #[allow(x)] fn a() {} }", &[1]),
            ("#[expect(dead_code, reason = \"allow(x)\")] fn a() { allow(1) }", &[]),
            ("#[serde(allow(x))] struct A;", &[]),
        ] {
            check(allows, SHIPPED, text, lines);
        }
    }

    #[test]
    fn unsafe_stands_in_loaders_only_and_with_its_reason() {
        let loader = LOADERS[0];
        for (path, text, lines) in [
            (SHIPPED, "// SAFETY: x\nunsafe { a() }", &[2_usize][..]),
            (SHIPPED, "#![expect(unsafe_code, reason = \"unsafe\")] // unsafe", &[]),
            (loader, "// SAFETY: we wrote the bytes.\nlet a = unsafe { b() };", &[]),
            (
                loader,
                "// SAFETY: we wrote the bytes\n// ourselves.\n#[expect(unsafe_code)]\nunsafe { b() }",
                &[],
            ),
            (loader, "// SAFETY: we wrote the bytes.\n\nunsafe { b() }", &[3]),
            (loader, "// SAFETY:\nunsafe { b() }", &[2]),
            (loader, "unsafe { b() } // SAFETY: too late", &[1]),
        ] {
            check(unsafes, path, text, lines);
        }
    }

    #[test]
    fn unwrap_is_for_tests() {
        for (path, text, lines) in [
            (SHIPPED, "a\n.unwrap()", &[2_usize][..]),
            (SHIPPED, "a.unwrap_or(1).unwrap_or_default(); \"a.unwrap()\" // a.unwrap()", &[]),
            (SHIPPED, "#[cfg(test)] mod tests { fn a() { b.unwrap() } }", &[]),
            ("crates/x/tests/it/main.rs", "a.unwrap()", &[]),
        ] {
            check(unwraps, path, text, lines);
        }
    }
}
