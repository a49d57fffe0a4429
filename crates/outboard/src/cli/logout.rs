//! `outboard logout`: forgets the tokens of an API's sign-ins. The server is not told: where its tokens can be taken back
//! stands in no OpenAPI document.

use clap::Args;

use super::{context::Context, login::configured, logins};
use crate::{
    report::{self, Failure, USAGE, escaped},
    wiring,
};

/// Options of `outboard logout`.
#[derive(Debug, Args)]
pub(super) struct Logout {
    /// The API, by the name of its entry
    name: String,
}

impl Logout {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let context = Context::load()?;
        let keys = logins::keys(configured(&context, &self.name)?);
        let name = escaped(&self.name);
        if keys.is_empty() {
            return Err(Failure::new(format_args!(
                "the entry of `{name}` has nothing that a person signs in for"
            ))
            .code(USAGE));
        }
        let sessions = wiring::sessions(&context.places.state);
        let mut was = false;
        for (_, key) in keys {
            let locked = sessions.lock(&key).await.map_err(|problem| Failure::could_not(&problem))?;
            was |= locked.remove().map_err(|problem| Failure::could_not(&problem))?;
        }
        if !was {
            report::line(format_args!("nobody was signed in to `{name}`"));
            return Ok(());
        }
        report::line(format_args!("signed out of `{name}`: its tokens are forgotten here"));
        report::hint("the server still takes them until they end: it can be told at its own pages");
        Ok(())
    }
}
