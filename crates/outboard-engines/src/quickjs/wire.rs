//! The messages that go into the QuickJS guest. Numbers are little-endian; a text is its length in
//! 32 bits, UTF-8 and a NUL. `ABI` in `flags.rs` counts the changes.

use std::borrow::Cow;

use outboard_runtime::{
    json::Json,
    ports::engine::{Delivered, Delivery, GuestWorld, Reply},
};

use crate::entering::size_of;

/// The message that starts a script.
pub(crate) fn start(world: &GuestWorld) -> Vec<u8> {
    let mut out = Vec::with_capacity(world.program.len() + 256);
    out.extend(world.seed);
    #[expect(clippy::cast_precision_loss, reason = "a date fits the 53 bits that JavaScript has for it")]
    out.extend((world.started_at.0 as f64).to_le_bytes());
    put_u32(&mut out, clipped(world.limits.console));
    put_u32(&mut out, clipped(world.limits.value));
    put_u32(&mut out, world.limits.calls.saturating_add(1024));
    put_u32(&mut out, clipped((world.limits.memory / 8).min(16 << 20)));
    put_u32(&mut out, count(&world.namespaces));
    for view in &world.namespaces {
        put_text(&mut out, view.namespace.as_str());
        put_u32(&mut out, count(&view.tools));
        for tool in &view.tools {
            put_text(&mut out, tool);
        }
    }
    put_text(&mut out, &world.program);
    out
}

/// A message in parts, so that large texts are copied once: into the guest.
pub(crate) type Parts<'a> = Vec<Cow<'a, [u8]>>;

/// Texts larger than this are parts of their own.
const LARGE: usize = 16 << 10;

/// The message that hands deliveries over.
pub(crate) fn deliver(deliveries: &[Delivery]) -> Parts<'_> {
    let mut parts = Parts::new();
    let mut out = Vec::with_capacity(
        deliveries.iter().map(|delivery| size_of(delivery).min(LARGE) + 32).sum::<usize>() + 4,
    );
    put_u32(&mut out, count(deliveries));
    for delivery in deliveries {
        out.extend((delivery.at.0.as_secs_f64() * 1000.0).to_le_bytes());
        match &delivery.what {
            Delivered::Timer => out.push(0),
            Delivered::Settled { request, reply: Reply::Value(value) } => {
                out.push(1);
                put_u32(&mut out, request.0);
                let text = value.as_str();
                if text.len() > LARGE {
                    put_u32(&mut out, length(text));
                    parts.extend([Cow::Owned(std::mem::take(&mut out)), Cow::Borrowed(text.as_bytes())]);
                    out.push(0);
                } else {
                    put_text(&mut out, text);
                }
            }
            Delivered::Settled { request, reply: Reply::Failed(failure) } => {
                out.push(2);
                put_u32(&mut out, request.0);
                put_text(&mut out, failure.code.as_str());
                put_text(&mut out, &failure.message);
                let blocks = failure.content.iter().map(Json::as_str).collect::<Vec<_>>().join(",");
                put_text(&mut out, &format!("[{blocks}]"));
            }
        }
    }
    parts.push(Cow::Owned(out));
    parts
}

fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_u32(out, length(text));
    out.extend(text.as_bytes());
    out.push(0);
}

fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

fn clipped(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn count<T>(items: &[T]) -> u32 {
    u32::try_from(items.len()).unwrap_or(u32::MAX)
}
