//! Counts tests from what their runners print.
//! Talks to nothing. Believes only the runners' own closing lines: no line, no test.

use std::ops::AddAssign;

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl Tally {
    /// Whether everything that ran passed, and something ran.
    pub(crate) fn is_good(self) -> bool {
        self.passed > 0 && self.failed == 0
    }

    /// Sums the closing lines of every test program that cargo ran. An ignored test is a skipped one, and so is one
    /// that passed only by saying `SKIPPED: ` and why.
    pub(crate) fn of_cargo(output: &str) -> Self {
        let mut sum = Self::default();
        for line in output.lines() {
            // `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s`
            let Some(counts) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". "))
            else {
                continue;
            };
            let parts: Vec<_> = counts.1.split(';').map(|part| number_of(part.trim())).collect();
            if let [Some((passed, "passed")), Some((failed, "failed")), Some((skipped, "ignored")), ..] =
                parts[..]
            {
                sum += Self { passed, failed, skipped };
            }
        }
        let said = output.lines().filter(|line| line.contains("SKIPPED: ")).count() as u64;
        let moved = said.min(sum.passed);
        sum.passed -= moved;
        sum.skipped += moved;
        sum
    }

    /// Reads the last line of the form `N passed, M failed, K skipped`, where the last part may be missing.
    pub(crate) fn of_clients(output: &str) -> Option<Self> {
        output.lines().rev().find_map(|line| {
            let parts: Vec<_> = line.trim().split(", ").map(number_of).collect();
            match parts[..] {
                [Some((passed, "passed")), Some((failed, "failed"))] => {
                    Some(Self { passed, failed, skipped: 0 })
                }
                [Some((passed, "passed")), Some((failed, "failed")), Some((skipped, "skipped"))] => {
                    Some(Self { passed, failed, skipped })
                }
                _ => None,
            }
        })
    }
}

fn number_of(part: &str) -> Option<(u64, &str)> {
    let (number, word) = part.split_once(' ')?;
    Some((number.parse().ok()?, word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: u64, failed: u64, skipped: u64) -> Tally {
        Tally { passed, failed, skipped }
    }

    #[test]
    fn the_closing_lines_of_all_test_programs_are_summed() {
        for (output, expected) in [
            ("", tally(0, 0, 0)),
            (
                "running 4 tests\ntest a ... ok\n\ntest result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.01s\n\
                 \ntest result: FAILED. 5 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n",
                tally(8, 2, 1),
            ),
            (
                "test a ... SKIPPED: no data\nok\ntest result: ok. 3 passed; 0 failed; 0 ignored; 0 measured",
                tally(2, 0, 1),
            ),
            ("note: test result: ok. 3 passed; 0 failed; 0 ignored", tally(0, 0, 0)),
            ("test result: ok. many passed; 0 failed; 0 ignored", tally(0, 0, 0)),
            ("    Finished `test` profile\n3 passed, 0 failed", tally(0, 0, 0)),
        ] {
            assert_eq!(Tally::of_cargo(output), expected, "{output}");
        }
    }

    #[test]
    fn the_clients_closing_line_is_the_last_one_of_its_form() {
        for (output, expected) in [
            ("x\n3 passed, 1 failed, 2 skipped\n", Some(tally(3, 1, 2))),
            ("1 passed, 0 failed\n7 passed, 0 failed\nbye", Some(tally(7, 0, 0))),
            ("3 passed; 0 failed", None),
            ("we had 3 passed, 1 failed", None),
            ("", None),
        ] {
            assert_eq!(Tally::of_clients(output), expected, "{output}");
        }
    }

    #[test]
    fn only_a_run_with_tests_and_without_failures_is_good() {
        for (tally, good) in [(tally(1, 0, 5), true), (tally(0, 0, 5), false), (tally(9, 1, 0), false)] {
            assert_eq!(tally.is_good(), good, "{tally}");
        }
    }

    #[test]
    fn the_closing_line_is_the_one_that_is_read_again() {
        assert_eq!(Tally::of_clients(&tally(12, 3, 4).to_string()), Some(tally(12, 3, 4)));
    }
}
