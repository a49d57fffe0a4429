//! The setting `typeCheck`, with a checker that calls every line wrong on which `WRONG` stands.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde_json::json;
use tempfile::TempDir;

use super::{Person, Said};
use crate::harness::fixture;

const CHECKER: &str = r#"
import json, sys
read, write, text = sys.stdin.buffer, sys.stdout.buffer, ""
while True:
    length = 0
    while (line := read.readline().strip()):
        length = int(line.split(b":")[1])
    if not length:
        break
    message = json.loads(read.read(length))
    for change in message.get("params", {}).get("contentChanges", []):
        text = change["text"]
    if "id" not in message:
        continue
    result = {"items": [
        {"severity": 1, "code": "odd", "message": "it is wrong", "range": {"start": {"line": n, "character": 0}}}
        for n, line in enumerate(text.splitlines()) if "WRONG" in line
    ]}
    if message["method"] == "initialize":
        result = {"capabilities": {"positionEncoding": "utf-8", "diagnosticProvider": {}},
                  "serverInfo": {"name": "fake", "version": "1"}}
    body = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}).encode()
    write.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
    write.flush()
"#;

/// A folder with the checker as `ty`, if Python is here.
fn checker() -> TempDir {
    let python = Command::new("python3").args(["-c", "import sys; print(sys.executable)"]).output().unwrap();
    let python = String::from_utf8(python.stdout).unwrap();
    let folder = TempDir::new().unwrap();
    let ty = folder.path().join("ty");
    fs::write(&ty, format!("#!{}\n{CHECKER}", python.trim())).unwrap();
    fs::set_permissions(&ty, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

fn person(setting: &str) -> Person {
    Person::configured(&json!({"mcpServers": {"fix": fixture(&[])}, "typeCheck": setting}))
}

fn says(person: &Person, path: &Path, arguments: &[&str]) -> Said {
    person.command(arguments).env("PATH", path).output().unwrap().into()
}

#[test]
fn a_script_whose_types_must_be_right_runs_only_if_they_are() {
    let checkers = checker();
    let person = person("required");
    let wrong = person.file("wrong.py", "n = 1\nm = 2  # WRONG\nn + m");
    let right = person.file("right.py", "n = 1\nn + 1");
    let typescript = person.file("right.ts", "return 1 + 1");
    let said = says(&person, checkers.path(), &["run", wrong.to_str().unwrap()]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (Some(1), "error: not run: 1 mistake\n2:1  type check: it is wrong\n")
    );
    assert_eq!(says(&person, checkers.path(), &["run", right.to_str().unwrap()]).fine(), "2\n");
    let said = says(&person, checkers.path(), &["run", typescript.to_str().unwrap()]);
    said.check(1, &["types must be checked (setting `typeCheck`), but there is no `tsc` of TypeScript 7"]);
}

#[test]
fn doctor_tells_which_checkers_are_there() {
    let (checkers, nothing) = (checker(), TempDir::new().unwrap());
    for (setting, path, state, code) in [
        ("beside", &checkers, "  python      fake 1, beside runs\n", 0),
        ("off", &checkers, "  python      there, and not used (setting `typeCheck`)\n", 0),
        (
            "beside",
            &nothing,
            "  python      not on this machine; if types are to be checked beside runs: pip install ty\n",
            0,
        ),
        ("required", &checkers, "hint: do as it says, or set `typeCheck` to \"beside\"", 1),
    ] {
        let person = person(setting);
        let said = says(&person, path.path(), &["doctor"]);
        assert!(format!("{}{}", said.out, said.err).contains(state), "{state}: {said:?}");
        let report = says(&person, path.path(), &["doctor", "--json"]);
        let (ready, there) = (&report.json()["typeCheck"]["python"]["ready"], path.path() == checkers.path());
        assert_eq!(ready, &json!(there), "{report:?}");
        if code == 1 {
            assert_eq!(said.code, Some(1), "{said:?}");
        }
    }
}
