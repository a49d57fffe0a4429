//! Signing in by OAuth's authorisation code, as a program on a person's machine does it: PKCE, one redirect to the
//! loopback, and tokens that are kept for this user alone. It sends nothing to an authorisation server: whoever uses it
//! has the way out to the network and its rules.
//!
//! A sign-in is an [`Attempt`] whose answer a [`Listener`] takes; its [`Code`] becomes [`Tokens`] by a [`Form`] that is
//! posted to the token [`Endpoint`], and a [`Session`] in a [`Store`]. RFC 6749, 6750, 7636 (S256), 8252, 9207.

mod attempt;
mod endpoint;
mod exchange;
mod listener;
mod session;
mod store;

pub use attempt::{Attempt, Code, Expected};
pub use endpoint::{Endpoint, Unfit};
pub use exchange::{Client, Form, Refused, Tokens, answer};
pub use listener::{Listener, Outcome};
pub use session::{Session, seconds_now};
pub use store::{Key, Locked, Store, StoreProblem};
