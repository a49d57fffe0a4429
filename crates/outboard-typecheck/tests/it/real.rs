//! The checkers themselves, where the machine has them.

use std::{path::Path, time::Instant};

use outboard_runtime::{
    Language,
    ports::types::{TypeChecker as _, Typed},
};
use outboard_typecheck::{Bounds, Checkers, find};

fn typed(language: Language, before: &str, script: &str, after: &str) -> Typed {
    let count = |text: &str| u32::try_from(text.lines().count()).unwrap();
    Typed { language, text: format!("{before}{script}{after}"), before: count(before), lines: count(script) }
}

const TYPESCRIPT: (&str, &str) = (
    "export default async () => {\n",
    "\n};\ndeclare const x: { get(input: { id: string }): Promise<{ n: number }> };\n",
);
const PYTHON: &str =
    "from typing import Any\nclass x:\n    @staticmethod\n    async def get(*, id: str) -> int: ...\n";

#[tokio::test]
#[ignore = "long: starts `tsc` and `ty`, where they are on the search path"]
async fn the_real_checkers_find_mistakes_and_read_no_files() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    for (name, text) in [("ts", "export const word = 'hunter2' as const;\n"), ("py", "word: int = 5\n")] {
        std::fs::write(secret.with_extension(name), text).unwrap();
    }
    let programs = find(&std::env::var_os("PATH").unwrap());
    if programs.len() < 2 {
        return outboard_testkit::skip("no `tsc` of TypeScript 7 and `ty` on the search path");
    }
    let checkers = Checkers::new(programs, &folder.path().join("checkers"), Bounds::default());
    let secret = secret.display();
    for (script, expected) in [
        ("const { n } = await x.get({ id: 'a' });\nreturn n.toFixed(1)".to_owned(), vec![]),
        (
            "return (await x.get({ id: 5 })).n".to_owned(),
            vec!["1:23 Type 'number' is not assignable to type 'string'."],
        ),
        (
            "const é = (await x.get({ id: 'a' })).m;\nreturn é".to_owned(),
            vec!["1:38 Property 'm' does not exist on type '{ n: number; }'."],
        ),
        (
            "const out = [setTimeout, console, URL, tools, results, ToolError, structuredClone];\nreturn out"
                .to_owned(),
            vec![],
        ),
        (
            format!(
                "/// <reference path=\"{secret}.ts\" />\ntype W = typeof import(\"{secret}\").word;\nconst w: W = 5;\nreturn w"
            ),
            vec![],
        ),
    ] {
        let (before, after) = TYPESCRIPT;
        assert_eq!(
            told(&checkers, typed(Language::TypeScript, before, &script, after)).await,
            expected,
            "{script}"
        );
    }
    for (script, expected) in [
        ("n = await x.get(id='a')\nn + 1", vec![]),
        (
            "n = await x.get(id=5)\nn",
            vec!["1:17 Argument to function `x.get` is incorrect: Expected `str`, found `Literal[5]`"],
        ),
        ("from secret import word\nimport numpy\nfrom ...secret import word as w\nword + w", vec![]),
    ] {
        assert_eq!(told(&checkers, typed(Language::Python, PYTHON, script, "")).await, expected, "{script}");
    }
    for (language, script) in [(Language::TypeScript, "return 1 + N"), (Language::Python, "1 + N")] {
        let (before, after) = if language == Language::Python { (PYTHON, "") } else { TYPESCRIPT };
        let mut times = Vec::new();
        for n in 0..100 {
            let typed = typed(language, before, &script.replace('N', &n.to_string()), after);
            let started = Instant::now();
            checkers.check(typed).await.unwrap();
            times.push(started.elapsed());
        }
        times.sort();
        eprintln!("{language}: a warm check takes {:?} (median of {})", times[50], times.len());
    }
    checkers.shutdown().await;
    assert!(Path::new(&format!("{secret}.ts")).exists());
}

async fn told(checkers: &Checkers, typed: Typed) -> Vec<String> {
    let found = checkers.check(typed).await.unwrap();
    found.iter().map(|mistake| format!("{}:{} {}", mistake.line, mistake.column, mistake.message)).collect()
}
