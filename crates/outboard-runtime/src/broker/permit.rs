//! The permit: proof that an operation, with exactly these arguments, passed the gate.
//! It has no public constructor; it is consumed by being sent.

use tokio::sync::mpsc;

use crate::{
    ids::UpstreamName,
    operation::Operation,
    ports::upstream::{Advance, SendFailure},
};

/// Permission to send one operation once. Only the broker makes permits.
///
/// ```compile_fail,E0451
/// use outboard_runtime::{broker::Permit, operation::Operation};
/// fn forge(operation: Operation) -> Permit {
///     Permit { operation }
/// }
/// ```
///
/// Reading what is permitted is open to all:
///
/// ```
/// use outboard_runtime::{broker::Permit, operation::Operation};
/// fn read(permit: &Permit) -> &Operation {
///     permit.operation()
/// }
/// ```
///
/// A permit is used up by being sent, so it is sent once:
///
/// ```
/// use outboard_runtime::{broker::Permit, ports::upstream::Upstream};
/// fn once(upstream: &dyn Upstream, permit: Permit) {
///     drop(upstream.send(permit));
/// }
/// ```
///
/// ```compile_fail,E0382
/// use outboard_runtime::{broker::Permit, ports::upstream::Upstream};
/// fn twice(upstream: &dyn Upstream, permit: Permit) {
///     drop(upstream.send(permit));
///     drop(upstream.send(permit));
/// }
/// ```
#[derive(Debug)]
pub struct Permit {
    operation: Operation,
    advances: Option<mpsc::Sender<Advance>>,
}

impl Permit {
    pub(super) fn for_operation(operation: Operation) -> Self {
        Self { operation, advances: None }
    }

    /// The same, and whoever sends it tells how far it is.
    pub(super) fn telling(self, advances: mpsc::Sender<Advance>) -> Self {
        Self { advances: Some(advances), ..self }
    }

    /// Where to tell how far it is. What finds no room there is not told.
    pub fn advances(&self) -> Option<mpsc::Sender<Advance>> {
        self.advances.clone()
    }

    /// What may be sent, exactly.
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// Uses the permit up.
    pub fn into_operation(self) -> Operation {
        self.operation
    }

    /// Uses the permit up at the upstream that it is for. Fails at any other, where nothing may be sent.
    pub fn into_operation_at(self, upstream: &UpstreamName) -> Result<Operation, SendFailure> {
        if self.operation.upstream() == upstream {
            return Ok(self.operation);
        }
        let reason = format!("the permit is for `{}`, not for `{upstream}`", self.operation.upstream());
        Err(SendFailure::Unavailable { reason })
    }
}
