//! A checker that is silent, broken, greedy or old costs the check, and no more.

use std::{path::Path, time::Duration};

use outboard_runtime::{Language, ports::types::TypeChecker as _};
use outboard_typecheck::{Bounds, Checkers};

use super::{fixture, typed};

fn checkers(how: &str, folder: &Path) -> Checkers {
    let bounds = Bounds { check: Duration::from_secs(2), memory: 256 << 20, ..Bounds::default() };
    Checkers::new(vec![fixture(how)], folder, bounds)
}

#[tokio::test]
async fn a_text_is_checked_by_one_warm_process_that_knows_nothing_of_us() {
    let folder = tempfile::tempdir().unwrap();
    let checkers = checkers("", folder.path());
    let name = checkers.warm(Language::TypeScript).await.unwrap();
    for text in ["one", "two\nlines"] {
        let found = checkers.check(typed(text)).await.unwrap();
        let last = text.lines().last().unwrap();
        let environment =
            "GOMAXPROCS GOMEMLIMIT HOME TMPDIR TY_MAX_PARALLELISM VIRTUAL_ENV XDG_CACHE_HOME XDG_CONFIG_HOME";
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].message, format!("{last} {environment}"));
        assert_eq!(found[0].line as usize, text.lines().count());
    }
    assert_eq!(checkers.warm(Language::TypeScript).await.unwrap(), name, "it is the same process");
    let process = name.rsplit(' ').next().unwrap().to_owned();
    checkers.shutdown().await;
    assert!(!Path::new("/proc").join(process).exists(), "it has ended with us");
    assert!(checkers.check(typed("x")).await.is_err(), "nobody is asked any more");
}

#[tokio::test]
async fn what_goes_wrong_with_a_checker_is_told_within_its_time() {
    for (how, expected) in [
        ("silent", "gave no answer within 2s"),
        ("broken", "failed: unexpected end of file"),
        ("flood", "failed: it talks and does not answer"),
        ("endless", "failed: unexpected end of file"),
        ("old", "failed: it is too old"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let checkers = checkers(how, folder.path());
        let unchecked = checkers.check(typed("x")).await.unwrap_err();
        assert!(unchecked.reason.contains(expected), "{how}: {unchecked}");
        checkers.shutdown().await;
    }
}

#[tokio::test]
async fn a_checker_that_fails_again_and_again_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let checkers = checkers("broken", folder.path());
    for _ in 0..3 {
        checkers.check(typed("x")).await.unwrap_err();
    }
    let unchecked = checkers.check(typed("x")).await.unwrap_err();
    assert!(unchecked.reason.contains("left alone for a while"), "{unchecked}");
    checkers.shutdown().await;
}

#[tokio::test]
async fn a_text_that_is_too_long_and_a_language_without_a_checker_are_not_checked() {
    let folder = tempfile::tempdir().unwrap();
    let checkers = checkers("", folder.path());
    let name = checkers.warm(Language::TypeScript).await.unwrap();
    for _ in 0..3 {
        let unchecked = checkers.check(typed(&"x".repeat(2 << 20))).await.unwrap_err();
        assert!(unchecked.reason.contains("too long to be checked"), "{unchecked}");
    }
    assert_eq!(checkers.warm(Language::TypeScript).await.unwrap(), name, "its checker goes on");
    let python = outboard_runtime::ports::types::Typed { language: Language::Python, ..typed("x") };
    let unchecked = checkers.check(python).await.unwrap_err();
    assert!(unchecked.reason.contains("pip install ty"), "{unchecked}");
    checkers.shutdown().await;
}
