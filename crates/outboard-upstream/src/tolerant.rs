//! Reads what upstreams send without trusting its shape: one odd tool never loses a listing, one odd
//! content block never loses a result. What is lost is said in a [`Warning`]; nothing is checked
//! against a schema here.

mod listing;
mod reply;
mod warning;

pub use listing::parse_listing;
pub(crate) use listing::{Page, Tools, read_page};
pub(crate) use reply::{Parts, parts, read_reply};
pub use warning::Warning;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The members of a JSON object, each unread. Of repeated names the last counts.
pub(crate) type Members<'a> = BTreeMap<String, &'a RawValue>;

/// What kind of JSON value this is, for messages.
pub(crate) fn kind(json: &str) -> &'static str {
    match json.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

/// `null` counts as absent.
pub(crate) fn member<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    members.get(name).copied().filter(|raw| raw.get() != "null")
}
