//! Learns what the results of tools look like that declare none. It sees what a script is about to get and may be asked
//! for what it knows; what may be learned from at all is decided before it is asked.

use std::{fmt, sync::Arc, sync::OnceLock};

use serde_json::Value;

use crate::{ids::ToolName, json::Json};

/// Learns from results.
pub trait Observer: Send + Sync + 'static {
    /// The tool of the upstream that has this [`Seat`](crate::catalogue::Seat) gave this value. It is called within the
    /// gate and must not wait: what there is to do is done elsewhere, or not at all.
    fn saw(&self, seat: u64, tool: &ToolName, value: &Json);

    /// What results of the tool have looked like, as a JSON Schema, if enough is known. May read a small file.
    fn result_of(&self, seat: u64, tool: &ToolName) -> Option<Arc<Value>>;
}

/// The observer of a catalogue, if there is one. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Observing(Arc<OnceLock<Arc<dyn Observer>>>);

impl Observing {
    pub(crate) fn set(&self, observer: Arc<dyn Observer>) {
        // There is one at most: a second is not asked.
        let _ = self.0.set(observer);
    }

    pub(crate) fn get(&self) -> Option<&dyn Observer> {
        self.0.get().map(|observer| &**observer)
    }
}

impl fmt::Debug for Observing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.get().is_some() { "observed" } else { "unobserved" })
    }
}
