//! The messages that go into the Python guest, as `guests/python/world.wit` names them.
//! What comes out is read by `crate::wire`.

use outboard_runtime::{
    json::Json,
    ports::engine::{Delivered, Delivery, GuestWorld, Reply},
};
use serde::Serialize;

use super::marshal;

/// Requests that a script may make beyond its limit, each answered with an error.
pub(crate) const SPARE_CALLS: u32 = 1024;

#[derive(Serialize)]
struct Settings<'a> {
    console: u64,
    value: u64,
    calls: u32,
    namespaces: Vec<(&'a str, &'a [String])>,
}

/// What the guest is told at its start besides the script.
pub(crate) fn settings(world: &GuestWorld) -> String {
    let namespaces = world.namespaces.iter().map(|view| (view.namespace.as_str(), &view.tools[..]));
    let settings = Settings {
        console: world.limits.console,
        value: world.limits.value,
        calls: world.limits.calls.saturating_add(SPARE_CALLS),
        namespaces: namespaces.collect(),
    };
    serde_json::to_string(&settings).unwrap_or_default()
}

/// A delivery as the guest takes it: kind, request and body.
pub(crate) fn delivery(delivery: &Delivery) -> (u8, u32, Vec<u8>) {
    match &delivery.what {
        Delivered::Timer => (0, 0, Vec::new()),
        Delivered::Settled { request, reply: Reply::Value(value) } => match marshal::stream(value.as_str()) {
            Some(stream) => (2, request.0, stream),
            None => (1, request.0, value.as_str().as_bytes().to_vec()),
        },
        Delivered::Settled { request, reply: Reply::Failed(failure) } => {
            let blocks = failure.content.iter().map(Json::as_str).collect::<Vec<_>>().join(",");
            let (message, code) = (Json::string(&failure.message), Json::string(failure.code.as_str()));
            (3, request.0, format!("[{message},{code},[{blocks}]]").into_bytes())
        }
    }
}
