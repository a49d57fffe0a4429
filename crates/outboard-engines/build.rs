//! Finds the compiled guests and their manifests, and hands their places to `src/quickjs/image.rs` and
//! `src/cpython/image.rs`. Refuses guests that were built for other messages. Builds nothing: `cargo xtask guests` does.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

const MANIFESTS: [&str; 2] = ["quickjs.json", "python.json"];
const FLAGS: &str = "src/flags.rs";

const FILES: [(&str, &str); 5] = [
    ("quickjs.cwasm", "OUTBOARD_QUICKJS_CWASM"),
    ("quickjs.json", "OUTBOARD_QUICKJS_JSON"),
    ("python.cwasm", "OUTBOARD_PYTHON_CWASM"),
    ("python.json", "OUTBOARD_PYTHON_JSON"),
    ("python.cwasm.gz", "OUTBOARD_PYTHON_PACKED"),
];

fn main() {
    // A program for release carries the Python guest; one for development takes it from where it was built, so
    // that no test program is linked with it.
    println!("cargo::rustc-check-cfg=cfg(outboard_packed)");
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo::rustc-cfg=outboard_packed");
    }
    println!("cargo::rerun-if-env-changed=OUTBOARD_GUESTS_DIR");
    let Some(guests) = guests_folder() else {
        println!("cargo::error=the guests are not built yet: run `cargo xtask guests` first");
        println!("cargo::error=(or name the folder that holds quickjs.cwasm in OUTBOARD_GUESTS_DIR)");
        return;
    };
    for (file, variable) in FILES {
        let path = guests.join(file);
        println!("cargo::rerun-if-changed={}", path.display());
        println!("cargo::rustc-env={variable}={}", path.display());
    }
    println!("cargo::rerun-if-changed={FLAGS}");
    let wanted = number_after(Path::new(FLAGS), "const ABI: u32 = ");
    for manifest in MANIFESTS {
        let path = guests.join(manifest);
        if number_after(&path, "\"abi\": ") != wanted {
            println!(
                "cargo::error={} was built for other messages than {FLAGS} has: run `cargo xtask guests`",
                path.display()
            );
        }
    }
}

/// The digits behind the first occurrence of `before`; `None` if the file has none.
fn number_after(path: &Path, before: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let digits = text.split_once(before)?.1.chars().take_while(char::is_ascii_digit).collect::<String>();
    (!digits.is_empty()).then_some(digits)
}

/// `OUTBOARD_GUESTS_DIR`, or `guests` in the target directory that this build writes to.
fn guests_folder() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("OUTBOARD_GUESTS_DIR") {
        return Some(PathBuf::from(folder)).filter(|folder| holds_guest(folder));
    }
    let out = PathBuf::from(env::var_os("OUT_DIR")?);
    // target/<profile>/build/<package>/out, with the target's triple before the profile when there is one.
    let near = out.ancestors().skip(4).take(2).map(|folder| folder.join("guests"));
    near.into_iter().find(|folder| holds_guest(folder))
}

fn holds_guest(folder: &Path) -> bool {
    FILES.iter().all(|(file, _)| folder.join(file).is_file())
}
