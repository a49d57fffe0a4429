//! Builds the program that stands for `python3` in a jail, for the system that the jail is for, so that the launcher carries it. It is
//! linked to nothing but libc; statically where that can be done, because it starts sooner. Elsewhere than on Linux it is empty.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const SOURCE: &str = "src/python/shim.rs";

fn main() {
    println!("cargo::rerun-if-changed={SOURCE}");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join("python3");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        fs::write(&out, "").expect("write to OUT_DIR");
        return;
    }
    if compile(&out, &["-Ctarget-feature=+crt-static"]).is_ok() {
        return;
    }
    if let Err(said) = compile(&out, &[]) {
        panic!("{SOURCE} is not compiled: {said}");
    }
}

fn compile(out: &Path, more: &[&str]) -> Result<(), String> {
    let variable = |name: &str| env::var(name).expect("cargo sets it");
    let mut command = Command::new(variable("RUSTC"));
    command
        .args(["--edition", "2024", "--crate-type", "bin", "--crate-name", "python3"])
        .args(["-Copt-level=s", "-Cpanic=abort", "-Cstrip=symbols", "-Crelocation-model=static"])
        .args(["--target", &variable("TARGET")])
        .args(more)
        .arg("-o")
        .arg(out)
        .arg(SOURCE);
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        let mut option = std::ffi::OsString::from("-Clinker=");
        option.push(linker);
        command.arg(option);
    }
    let ran = command.output().map_err(|error| error.to_string())?;
    if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned()) }
}
