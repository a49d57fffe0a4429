//! The literate cases of `specs/*.md`: one task written in both languages, run by both engines through the runtime
//! and the presenter of `execute`. `OUTBOARD_BLESS=1` writes what happened into the files; `specs/README.md` says how
//! they read.

mod difference;
mod page;
mod stage;
mod upstream;

use std::{fmt::Write as _, fs, path::PathBuf};

use difference::difference;
use outboard_runtime::Language;
use page::{Page, Seen, Step};
use stage::Stage;

const LANGUAGES: [Language; 2] = [Language::TypeScript, Language::Python];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs")
}

/// Runs every case of a page in both languages; compares all that the page tells of each.
async fn check(file: &str) {
    let path = folder().join(file);
    let mut page = Page::read(&fs::read_to_string(&path).unwrap());
    let mut wrong = String::new();
    for case in &mut page.cases {
        for language in LANGUAGES {
            let mut stage = Stage::of(&case.setting);
            for step in &mut case.steps {
                let seen = stage.run(language, step.script(language)).await;
                compare(&mut wrong, &case.name, language, step, &seen);
                step.saw(language, seen);
            }
        }
    }
    assert!(!page.cases.is_empty(), "{file} holds no case");
    if std::env::var_os("OUTBOARD_BLESS").is_some() {
        fs::write(&path, page.text()).unwrap();
    } else {
        assert!(wrong.is_empty(), "{file}, `-` expected, `+` seen:\n{wrong}");
    }
}

fn compare(wrong: &mut String, case: &str, language: Language, step: &Step, seen: &Seen) {
    let expected = step.expected(language);
    for (what, expected, seen) in
        [("journal", &expected.journal, &seen.journal), ("answer", &expected.answer(), &seen.answer())]
    {
        if expected != seen {
            write!(wrong, "\n## {case} ({language:?}, {what})\n{}", difference(expected, seen)).unwrap();
        }
    }
}

macro_rules! pages {
    ($($test:ident $file:literal)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                check($file).await;
            }
        )*

        #[test]
        fn every_page_of_specs_is_run() {
            let names = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name());
            let mut files: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
            files.retain(|name| name != "README.md");
            files.sort();
            assert_eq!(files, [$($file),*]);
        }
    };
}

pages! {
    arguments_mean_the_same_in_both_languages "arguments.md"
    concurrent_calls_work_in_both_languages "concurrency.md"
    console_output_reads_the_same_in_both_languages "console.md"
    failures_are_told_the_same_in_both_languages "errors.md"
    names_reach_the_same_tools_in_both_languages "names.md"
    pages_are_read_the_same_in_both_languages "pages.md"
    resources_and_prompts_are_read_the_same_in_both_languages "resources.md"
    large_results_are_kept_for_both_languages "results.md"
    whole_tasks_give_the_same_answers_in_both_languages "tasks.md"
    values_are_the_same_in_both_languages "values.md"
}
