//! The scripted upstream of this package's tests; see `outboard_testkit::fixture`.
//! Tests find it with `outboard_testkit::fixture_path`. It is no example to copy.

fn main() {
    outboard_testkit::fixture::main();
}
