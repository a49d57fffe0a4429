//! Every file opens by saying what it is for.
//! Talks to nothing. Counts the lines of the head; whether they are true is for the reader to judge.

use super::Finding;
use super::source::{Source, in_folder};

/// Lines that a head may have.
const LONGEST: usize = 5;

/// Finds files whose `//!` head is missing, too short or too long.
pub(crate) fn check(source: &Source<'_>) -> Vec<Finding> {
    let head: Vec<_> = source.text.lines().take_while(|line| line.starts_with("//!")).collect();
    // A crate's root goes on with the crate's documentation: there only the first paragraph is held short.
    let opening =
        head.iter().take_while(|line| !source.path.ends_with("/src/lib.rs") || line.trim_end() != "//!");
    let lines = if opening.count() > LONGEST { LONGEST + 1 } else { head.len().min(LONGEST) };
    let relaxed = source.is_all_test() || in_folder(source.path, "examples");
    let shipped = in_folder(source.path, "src") && !relaxed;
    let message = match lines {
        0 => "opens without a `//!` head: say its job, what it talks to, and one thing it does not do",
        1 if shipped => {
            "its `//!` head has one line: say its job, what it talks to, and one thing it does not do"
        }
        _ if lines > LONGEST => {
            "its `//!` head is longer than five lines: the rest belongs to the items or to docs/"
        }
        _ => return Vec::new(),
    };
    vec![Finding::new(source.path, 1, "head", message)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_have_two_to_five_lines_and_at_least_one_in_tests_and_examples() {
        for (path, lines, passes) in [
            ("crates/x/src/lib.rs", 0, false),
            ("crates/x/src/lib.rs", 1, false),
            ("crates/x/src/lib.rs", 2, true),
            ("crates/x/src/lib.rs", 5, true),
            ("crates/x/src/lib.rs", 6, false),
            ("crates/x/tests/it/main.rs", 1, true),
            ("crates/x/tests/it/main.rs", 0, false),
            ("crates/x/examples/a.rs", 1, true),
            ("crates/x/build.rs", 1, true),
            ("crates/x/build.rs", 0, false),
        ] {
            let text = "//! x\n".repeat(lines) + "\nfn a() {}\n";
            assert_eq!(check(&Source::new(path, &text, false)).is_empty(), passes, "{path} {lines}");
        }
        let documented = "//! x\n//!\n".to_owned() + &"//! z\n".repeat(9);
        let endless = "//! x\n".repeat(6) + "//!\n//! z\n";
        for (path, text, passes) in [
            ("crates/x/src/lib.rs", &documented, true),
            ("crates/x/src/a.rs", &documented, false),
            ("crates/x/src/lib.rs", &endless, false),
        ] {
            assert_eq!(check(&Source::new(path, text, false)).is_empty(), passes, "{path} {text}");
        }
        let tests = Source::new("crates/x/src/a/tests.rs", "//! x\nfn a() {}\n", true);
        assert_eq!(check(&tests), []);
        let late = "use a;\n//! one\n//! two\n";
        assert_eq!(check(&Source::new("crates/x/src/a.rs", late, false)).len(), 1);
    }
}
