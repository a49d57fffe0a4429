//! What is particular to each checker: its folder, the document that it is asked about, and which of its findings are
//! mistakes of the script. It starts nothing.

use std::{fs, io, path::Path};

use outboard_runtime::{
    Language,
    ports::types::{TypeMistake, Typed},
};
use serde_json::Value;

/// Characters of a message.
const MESSAGE: usize = 500;
/// Mistakes that are told.
const TOLD: usize = 50;

/// What there is in the sandbox beside the language itself.
const GLOBALS: &str = include_str!("world/globals.d.ts");
/// No file is looked for, whatever a script imports or refers to; nothing is asked that scripts of models leave open.
const TSCONFIG: &str = r#"{"compilerOptions": {"strict": false, "noEmit": true, "target": "esnext", "module": "esnext",
"moduleDetection": "force", "lib": ["esnext"], "types": [], "typeRoots": [], "noResolve": true, "skipLibCheck": true,
"allowUnreachableCode": true, "allowUnusedLabels": true}, "files": ["script.ts", "globals.d.ts"]}
"#;
const TY: &str = "[environment]\npython-version = \"3.14\"\npython-platform = \"linux\"\npython = \"environment\"\n\
[src]\ninclude = [\"script.py\"]\n";

/// The document that a checker is asked about.
pub(crate) fn document(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::TypeScript => ("script.ts", "typescript"),
        Language::Python => ("script.py", "python"),
    }
}

/// Makes the folder that a checker looks at: settings, an empty document, and for Python an environment without packages.
pub(crate) fn prepare(language: Language, folder: &Path) -> io::Result<()> {
    create_private(folder)?;
    let (name, _) = document(language);
    write(&folder.join(name), "")?;
    match language {
        Language::TypeScript => {
            write(&folder.join("globals.d.ts"), GLOBALS)?;
            write(&folder.join("tsconfig.json"), TSCONFIG)
        }
        Language::Python => {
            let environment = folder.join("environment");
            fs::create_dir_all(environment.join("lib/python3.14/site-packages"))?;
            write(&environment.join("pyvenv.cfg"), "home = /nonexistent\nversion = 3.14\n")?;
            write(&folder.join("ty.toml"), TY)
        }
    }
}

fn create_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Another Outboard may do the same at the same time: a file that is right is left alone.
fn write(path: &Path, text: &str) -> io::Result<()> {
    match fs::read(path) {
        Ok(known) if known == text.as_bytes() => Ok(()),
        _ => fs::write(path, text),
    }
}

/// The mistakes among what a checker answers; `None` if it is no answer.
pub(crate) fn mistakes(answer: &Value, typed: &Typed) -> Option<Vec<TypeMistake>> {
    let items = answer.get("items")?.as_array()?;
    let lines: Vec<&str> = typed.text.lines().collect();
    let mut mistakes: Vec<TypeMistake> = items
        .iter()
        .filter(|item| item["severity"] == 1 && is_of_types(typed.language, &item["code"]))
        .filter_map(|item| {
            let line = u32::try_from(item.pointer("/range/start/line")?.as_u64()?).ok()?;
            let within = line.checked_sub(typed.before).filter(|line| *line < typed.lines)?;
            let bytes = usize::try_from(item.pointer("/range/start/character")?.as_u64()?).ok()?;
            let text = lines.get(line as usize).copied().unwrap_or_default();
            let column = text.get(..bytes).unwrap_or(text).chars().count();
            let message = item["message"].as_str()?.lines().next()?;
            Some(TypeMistake {
                line: within + 1,
                column: u32::try_from(column).ok()?.saturating_add(1),
                message: message.chars().take(MESSAGE).collect(),
            })
        })
        .collect();
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    mistakes.truncate(TOLD);
    Some(mistakes)
}

/// Whether a finding is of types: grammar is judged before, by who knows the forms of scripts, and so are imports.
fn is_of_types(language: Language, code: &Value) -> bool {
    match language {
        // 1000 to 1999 are of the grammar, 2307 and its like of modules, 6000 and 7000 of style.
        Language::TypeScript => match code.as_u64() {
            Some(2306 | 2307 | 2792) => false,
            Some(code) => (2000..6000).contains(&code) || code >= 18_000,
            None => false,
        },
        Language::Python => {
            let grammar_or_imports =
                ["invalid-syntax", "unresolved-import", "import-not-found", "invalid-parameter-default"];
            code.as_str().is_some_and(|code| !grammar_or_imports.contains(&code))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mistakes_are_those_of_the_scripts_own_lines() {
        let typed = Typed {
            language: Language::TypeScript,
            text: "head\nconst ü = 1\nsecond\ntail\n".to_owned(),
            before: 1,
            lines: 2,
        };
        let item = |line: u32, character: u32, code: u32, severity: u32, message: &str| {
            json!({"range": {"start": {"line": line, "character": character}}, "code": code, "severity": severity,
                "message": message})
        };
        let answer = json!({"items": [
            item(2, 0, 2304, 1, "later\nmore"),
            item(1, 9, 2322, 1, "in a line with letters of two bytes"),
            item(0, 0, 2322, 1, "before"),
            item(3, 0, 2322, 1, "behind"),
            item(1, 0, 1005, 1, "grammar"),
            item(1, 0, 6133, 4, "style"),
            json!({"message": "odd", "severity": 1, "code": 2322}),
        ]});
        let mistake = |line, column, message: &str| TypeMistake { line, column, message: message.to_owned() };
        assert_eq!(
            mistakes(&answer, &typed),
            Some(vec![mistake(1, 9, "in a line with letters of two bytes"), mistake(2, 1, "later")])
        );
        assert_eq!(mistakes(&json!(null), &typed), None);
    }

    #[test]
    fn a_folder_is_made_once_and_only_for_its_user() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        for language in Language::ALL {
            let own = folder.path().join("deep").join(language.as_str());
            for _ in 0..2 {
                prepare(language, &own).unwrap();
            }
            assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
            assert_eq!(fs::read_to_string(own.join(document(language).0)).unwrap(), "");
        }
    }
}
