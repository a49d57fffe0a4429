//! The fake model API of `outboard_testkit::model` as a program, for agents that are written in other languages.

fn main() -> std::process::ExitCode {
    outboard_testkit::model::main()
}
