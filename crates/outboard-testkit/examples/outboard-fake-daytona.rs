//! The fake of Daytona's service of `outboard_testkit::daytona` as a program, for the vendor's own SDK: it prints where it is, and
//! ends with its input.

use std::io::{Read as _, Write as _};

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let fake = runtime.block_on(outboard_testkit::daytona::FakeDaytona::start());
    writeln!(std::io::stdout(), "{}", fake.url())?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    drop(fake);
    Ok(())
}
