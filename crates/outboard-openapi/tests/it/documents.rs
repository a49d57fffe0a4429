//! Documents of other people's APIs, fetched from npm when the long tier runs: no operation may be lost, and what is made of
//! them stays within its bounds.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use outboard_openapi::{Document, Reach, Source, examine};
use serde_json::Value;
use url::Url;

/// The package, the document in it, and the operations that it has.
const DOCUMENTS: [(&str, &str, usize); 4] = [
    ("@octokit/openapi@23.0.2", "package/generated/api.github.com.json", 1_000),
    ("@directus/specs@15.2.0", "package/dist/openapi.json", 50),
    ("kubernetes-client@9.0.0", "package/lib/specs/swagger-1.13.json.gz", 900),
    ("@blockfrost/openapi@0.1.93", "package/openapi.yaml", 100),
];

fn run(folder: &Path, program: &str, arguments: &[&str]) {
    let done = Command::new(program).args(arguments).current_dir(folder).output().expect(program);
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// The document, unpacked into a folder.
fn fetched(folder: &Path, package: &str, file: &str) -> PathBuf {
    run(folder, "npm", &["pack", "--silent", package]);
    let archives = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let archive = archives
        .filter(|path| path.extension().is_some_and(|kind| kind == "tgz"))
        .last()
        .expect("npm packed it");
    run(folder, "tar", &["-xzf", archive.to_str().expect("a plain path"), file]);
    match file.strip_suffix(".gz") {
        Some(unpacked) => {
            run(folder, "gzip", &["-d", file]);
            folder.join(unpacked)
        }
        None => folder.join(file),
    }
}

/// Operations as a naive reader counts them, if the document is JSON.
fn counted(bytes: &[u8]) -> Option<usize> {
    let document: Value = serde_json::from_slice(bytes).ok()?;
    let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let paths = document["paths"].as_object()?.values();
    Some(
        paths
            .flat_map(|item| item.as_object().expect("a path item").keys())
            .filter(|key| methods.contains(&key.as_str()))
            .count(),
    )
}

#[test]
#[ignore = "long: fetches documents of up to 13 MB with npm"]
fn no_operation_of_a_real_document_is_lost() {
    for (package, file, at_least) in DOCUMENTS {
        let folder = tempfile::tempdir().unwrap();
        let path = fetched(folder.path(), package, file);
        let bytes = std::fs::read(&path).unwrap();
        let (length, expected) = (bytes.len(), counted(&bytes));
        let began = Instant::now();
        let document = Document::parse(bytes).unwrap();
        let weight = document.weight();
        let reach = Reach::new(Source::File(path), Url::parse("https://api.example").unwrap());
        let summary = examine(document, &reach).unwrap();
        assert!(summary.losses.is_empty(), "{package}: {:?}", summary.losses);
        assert!(
            summary.operations >= at_least && expected.is_none_or(|expected| expected == summary.operations),
            "{package}"
        );
        assert!(weight < length * 3, "{package}: {weight} of {length}");
        // A release build needs below a second (docs/openapi.md); this machine may be busy.
        assert!(began.elapsed() < Duration::from_secs(20), "{package}: {:?}", began.elapsed());
    }
}
