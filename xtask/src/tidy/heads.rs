//! Every file opens by saying what it is for.
//! Talks to nothing. Counts the lines of the head; whether they are true is for the reader to judge.

use super::Finding;
use super::source::{Source, in_folder};

/// Finds files whose `//!` head is missing, too short or too long.
pub(crate) fn check(source: &Source<'_>) -> Vec<Finding> {
    // The head of a crate is its first paragraph: what follows is the crate's documentation.
    let root = source.path.ends_with("/src/lib.rs");
    let head =
        source.text.lines().take_while(|line| line.starts_with("//!") && !(root && line.trim_end() == "//!"));
    let lines = head.count();
    let relaxed = source.is_all_test() || in_folder(source.path, "examples");
    let shipped = in_folder(source.path, "src") && !relaxed;
    let message = match lines {
        0 => "opens without a `//!` head: say its job, what it talks to, and one thing it does not do",
        1 if shipped => {
            "its `//!` head has one line: say its job, what it talks to, and one thing it does not do"
        }
        6.. => "its `//!` head is longer than five lines: the rest belongs to the items or to docs/",
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
        let documented = "//! x\n//! y\n//!\n".to_owned() + &"//! z\n".repeat(9);
        for (path, passes) in [("crates/x/src/lib.rs", true), ("crates/x/src/a.rs", false)] {
            assert_eq!(check(&Source::new(path, &documented, false)).is_empty(), passes, "{path}");
        }
        let tests = Source::new("crates/x/src/a/tests.rs", "//! x\nfn a() {}\n", true);
        assert_eq!(check(&tests), []);
        let late = "use a;\n//! one\n//! two\n";
        assert_eq!(check(&Source::new("crates/x/src/a.rs", late, false)).len(), 1);
    }
}
