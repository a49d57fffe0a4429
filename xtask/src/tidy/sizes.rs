//! No file grows past what one person reads in a sitting.
//! Talks to nothing. Does not measure functions: clippy and the reviewer do.

use super::Finding;
use super::source::Source;

/// Lines that a file may have besides its tests.
const OWN: usize = 800;
/// Lines that a file may have in all.
const ALL: usize = 1200;

/// Finds files that are too long.
pub(crate) fn check(source: &Source<'_>) -> Vec<Finding> {
    let all = source.text.lines().count();
    // A file that is all tests is read like any other.
    let tests = if source.is_all_test() { 0 } else { source.test_lines() };
    let own = all - tests.min(all);
    if own > OWN || all > ALL {
        let message = format!(
            "{own} lines and {tests} of tests; at most {OWN}, and {ALL} with tests: split it by its nouns"
        );
        return vec![Finding::new(source.path, 0, "size", message)];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_count_only_towards_the_larger_limit() {
        for (path, own, tests, passes) in [
            ("a.rs", 800, 0, true),
            ("a.rs", 801, 0, false),
            ("a.rs", 700, 500, true),
            ("a.rs", 700, 501, false),
            ("crates/x/tests/it/main.rs", 800, 0, true),
            ("crates/x/tests/it/main.rs", 801, 0, false),
        ] {
            let mut text = "fn a() {}\n".repeat(own);
            if tests > 0 {
                text += &format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "\n".repeat(tests - 3));
            }
            let source = Source::new(path, &text, false);
            assert_eq!(check(&source).is_empty(), passes, "{path} {own} {tests}: {:?}", check(&source));
        }
    }
}
