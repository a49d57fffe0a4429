//! Scripts and their transcripts, in `cases/*.md` and `python/*.md`: a heading that names the behaviour, the script,
//! and all that the host sees of it. `OUTBOARD_BLESS=1` writes what happened into the files.

use std::{fmt::Write, fs, path::Path};

use outboard_runtime::ports::engine::Engine;

use crate::host::{ENGINE, PYTHON, run_on, world};

/// Where the cases of a language stand, and how its fences begin.
struct Language {
    folder: &'static str,
    fence: &'static str,
    engine: fn() -> &'static dyn Engine,
}

const JAVASCRIPT: Language = Language { folder: "tests/it/cases", fence: "```js\n", engine: || &*ENGINE };
const PYTHON_CASES: Language =
    Language { folder: "tests/it/python", fence: "```python\n", engine: || &*PYTHON };

/// Runs every case of a file; compares whole transcripts.
async fn check(language: &Language, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(language.folder).join(file);
    let text = fs::read_to_string(&path).unwrap();
    let mut seen = String::new();
    let mut wrong = String::new();
    let mut count = 0;
    for piece in pieces(&text, language.fence) {
        match piece {
            Piece::Prose(prose) => seen.push_str(prose),
            Piece::Case { name, script, expected } => {
                count += 1;
                let transcript = run_on((language.engine)(), world(script)).await.transcript;
                if transcript != expected {
                    write!(wrong, "\n## {name}\n{script}--- expected\n{expected}--- got\n{transcript}")
                        .unwrap();
                }
                write!(seen, "{}{script}```\n\n```text\n{transcript}```\n", language.fence).unwrap();
            }
        }
    }
    assert!(count > 0, "{file} holds no case");
    if std::env::var_os("OUTBOARD_BLESS").is_some() {
        fs::write(&path, seen).unwrap();
    } else {
        assert!(wrong.is_empty(), "{file}:{wrong}");
    }
}

enum Piece<'a> {
    Prose(&'a str),
    Case { name: &'a str, script: &'a str, expected: &'a str },
}

fn pieces<'a>(text: &'a str, fence: &str) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((prose, after)) = rest.split_once(fence) {
        let (script, after) = split_fence(after);
        let name = prose.lines().rfind(|line| line.starts_with("## ")).map_or("", |line| &line[3..]);
        let (expected, after) = match after.trim_start_matches('\n').strip_prefix("```text\n") {
            Some(after) => split_fence(after),
            None => ("", after),
        };
        pieces.push(Piece::Prose(prose));
        pieces.push(Piece::Case { name, script, expected });
        rest = after;
    }
    pieces.push(Piece::Prose(rest));
    pieces
}

fn split_fence(text: &str) -> (&str, &str) {
    let end =
        if text.starts_with("```\n") { 0 } else { text.find("\n```\n").expect("a fence that ends") + 1 };
    (&text[..end], &text[end + 4..])
}

macro_rules! files {
    ($language:ident $every:ident: $($test:ident $file:literal)*) => {
        $(
            #[tokio::test]
            async fn $test() {
                check(&$language, $file).await;
            }
        )*

        #[test]
        fn $every() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join($language.folder);
            let mut files: Vec<_> = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            files.sort();
            assert_eq!(files, [$($file),*]);
        }
    };
}

files! {
    JAVASCRIPT every_file_of_cases_is_run:
    console_lines_read_like_those_of_node "console.md"
    scripts_end_as_their_authors_expect "ends.md"
    errors_say_where_in_the_script_they_arose "errors.md"
    what_a_guest_is_asked_to_forge_stays_unforged "hostile.md"
    recursion_of_any_kind_is_a_catchable_range_error "recursion.md"
    time_and_randomness_come_from_the_host "time.md"
    tools_are_functions_of_namespaces "tools.md"
    values_become_the_nearest_json "values.md"
    the_usual_web_functions_are_there "web.md"
}

files! {
    PYTHON_CASES every_file_of_python_cases_is_run:
    what_is_not_there_says_what_to_use_instead "absent.md"
    python_scripts_wait_as_asyncio_does "asyncio.md"
    what_python_prints_logs_and_warns_of_is_told "console.md"
    python_scripts_end_as_their_authors_expect "ends.md"
    python_errors_say_where_in_the_script_they_arose "errors.md"
    the_standard_library_is_there_and_works "library.md"
    python_recursion_is_a_catchable_recursion_error "recursion.md"
    python_time_and_randomness_come_from_the_host "time.md"
    python_tools_are_functions_of_namespaces "tools.md"
    python_values_become_the_nearest_json "values.md"
}
