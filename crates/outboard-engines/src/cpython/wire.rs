//! The messages that go into the Python guest, as `guests/python/world.wit` names them.
//! What comes out is read by `crate::wire`.

use outboard_runtime::{
    json::Json,
    ports::engine::{Delivered, Delivery, GuestWorld, Reply},
};
use serde::Serialize;

use super::marshal;

/// Bytes before the body of a delivery: its kind, its request, its length.
const HEAD: usize = 9;

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

/// Kinds of a delivery's body.
const TIMER: u8 = 0;
const JSON: u8 = 1;
const MARSHAL: u8 = 2;
const FAILED: u8 = 3;

/// Deliveries as the guest takes them, one behind another.
pub(crate) fn deliveries(deliveries: &[Delivery]) -> Vec<u8> {
    let mut out = Vec::new();
    for delivery in deliveries {
        put(&mut out, delivery);
    }
    out
}

fn put(out: &mut Vec<u8>, delivery: &Delivery) {
    let head = out.len();
    out.extend([TIMER; HEAD]);
    let (kind, request) = match &delivery.what {
        Delivered::Timer => (TIMER, 0),
        Delivered::Settled { request, reply: Reply::Value(value) } => {
            let kind = if marshal::write(value.as_str(), out) { MARSHAL } else { JSON };
            if kind == JSON {
                out.extend(value.as_str().as_bytes());
            }
            (kind, request.0)
        }
        Delivered::Settled { request, reply: Reply::Failed(failure) } => {
            let blocks = failure.content.iter().map(Json::as_str).collect::<Vec<_>>().join(",");
            let (message, code) = (Json::string(&failure.message), Json::string(failure.code.as_str()));
            out.extend(format!("[{message},{code},[{blocks}]]").bytes());
            (FAILED, request.0)
        }
    };
    // What does not fit 32 bits does not fit the guest either, which then takes nothing.
    let length = u32::try_from(out.len() - head - HEAD).unwrap_or(u32::MAX);
    out[head] = kind;
    out[head + 1..head + 5].copy_from_slice(&request.to_le_bytes());
    out[head + 5..head + HEAD].copy_from_slice(&length.to_le_bytes());
}
