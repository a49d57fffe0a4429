//! Keeps the requests of one connection apart by their ids, and tells which of them the client has stopped waiting for.
//! It does not carry messages.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, JsonRpcMessage, RequestId, ServerJsonRpcMessage,
};

use super::frame::Refusal;
use crate::silence::Silence;

/// The requests of one connection that have no answer yet.
#[derive(Clone)]
pub(crate) struct Requests {
    open: Arc<Mutex<HashSet<RequestId>>>,
    silence: Arc<Silence>,
}

impl Requests {
    pub(crate) fn new(silence: Arc<Silence>) -> Self {
        Self { open: Arc::default(), silence }
    }

    /// Keeps two requests of one id apart: the second would take the first one's answer.
    pub(crate) fn admit(&self, message: ClientJsonRpcMessage) -> Result<ClientJsonRpcMessage, Box<Refusal>> {
        match &message {
            JsonRpcMessage::Request(request) => {
                if !self.open().insert(request.id.clone()) {
                    return Err(Refusal::id_in_use(request.id.clone()));
                }
                // An earlier request of this id may have ended before its cancellation was looked at.
                self.silence.take(&request.id);
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                    && self.open().remove(id)
                {
                    self.silence.cancelled(id, cancelled.params.reason.as_deref());
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        Ok(message)
    }

    /// This is about to be sent: a request that it answers is open no more.
    pub(crate) fn sending(&self, message: &ServerJsonRpcMessage) {
        let id = match message {
            JsonRpcMessage::Response(response) => Some(&response.id),
            JsonRpcMessage::Error(error) => error.id.as_ref(),
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => None,
        };
        if let Some(id) = id {
            self.open().remove(id);
        }
    }

    /// A request that was admitted is not handled after all.
    pub(crate) fn forget(&self, id: &RequestId) {
        self.open().remove(id);
    }

    fn open(&self) -> MutexGuard<'_, HashSet<RequestId>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
