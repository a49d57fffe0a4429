//! The record of a command that a model ran in its workspace: a single call of no upstream's, whose answer the model read.
//! It is made when the answer is there; nothing here runs anything.

use std::time::Duration;

use outboard_script::Language;

use crate::{
    clock::{Clock, RunTime, WallTime},
    ids::{ImageHash, RequestId, RunId},
    journal::{Ending, Event, FORMAT, Opened, Reader, Reading},
    json::Json,
    limits::Limits,
    ports::engine::{Delivered, Delivery, GuestAsk, GuestRequest, NamespaceView, Reply},
    session::Session,
};

/// The only request.
const ONLY: RequestId = RequestId(1);

/// A command that a model ran in its workspace, and what it read of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// As the model wrote it.
    pub command: String,
    /// What the model read.
    pub answer: String,
    /// How long that took.
    pub took: Duration,
}

impl Told {
    /// The whole record.
    pub(crate) fn events(
        self,
        session: &Session,
        namespaces: Vec<NamespaceView>,
        limits: Limits,
        clock: &dyn Clock,
    ) -> (RunId, Vec<Event>) {
        let Self { command, answer, took } = self;
        let id = session.next_call();
        let began = clock.wall().0.saturating_sub(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        let opened = Opened {
            format: FORMAT,
            run: id.clone(),
            source: String::new(),
            language: Language::default(),
            image: ImageHash::new(""),
            seed: [0; 32],
            started_at: WallTime(began),
            limits,
            namespaces,
            origin: None,
            principal: Some(session.client()),
            reading: Reading { reader: Some(Reader::Model), budget: None, before: session.take_shown() },
        };
        let what = GuestAsk::Call {
            namespace: "workspace".to_owned(),
            tool: "bash".to_owned(),
            arguments: Json::from(serde_json::json!({ "command": command })),
            paged: false,
        };
        let value = Json::string(&answer);
        let settled = Delivered::Settled { request: ONLY, reply: Reply::Value(value.clone()) };
        let events = vec![
            Event::Opened(Box::new(opened)),
            Event::Asked(GuestRequest { id: ONLY, what, position: None }),
            Event::Delivered(Delivery { at: RunTime(took), what: settled }),
            Event::Ended(Ending::Value(Some(value))),
        ];
        (id, events)
    }
}
