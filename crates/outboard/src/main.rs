//! The `outboard` binary. No decision is made here.

fn main() {}
