//! The end of a run: what becomes of calls that are still under way when its script has ended or was stopped.
//! It decides nothing about how the run ended, and records no end.

use std::collections::BTreeMap;

use super::RunActor;
use crate::{
    broker::Settled,
    ids::RequestId,
    journal::{Ending, Event},
    json::Json,
    ports::engine::{ConsoleLevel, ConsoleLine, GuestAsk, GuestRequest, Reply},
};

impl RunActor {
    /// Ends what is still under way. A script that came to its end may have calls that it did not await:
    /// they are waited for and told of, because they were meant. Otherwise they are abandoned.
    pub(super) async fn wind_down(&mut self, ending: &Ending) {
        let unawaited = self.requests.still_open();
        let mut replies = BTreeMap::new();
        if matches!(ending, Ending::Value(_)) {
            let mut outside = self.outside();
            while !self.calls.is_empty() {
                self.stand_or_go(&mut outside);
                // Answers are taken as they come: calls that are not sent yet wait for room for theirs.
                tokio::select! {
                    Some(told) = self.told.recv() => {
                        if let Some(settled) = self.heard(told) {
                            self.late(settled, &mut replies).await;
                        }
                    }
                    _ = self.calls.join_next() => {}
                    _ = outside.comes() => break,
                }
            }
            self.go(&mut outside);
        }
        self.calls.shutdown().await;
        while let Ok(told) = self.told.try_recv() {
            if let Some(settled) = self.heard(told) {
                self.late(settled, &mut replies).await;
            }
        }
        if matches!(ending, Ending::Value(_)) {
            let warnings =
                unawaited.iter().filter_map(|request| self.unawaited(request, replies.get(&request.id)));
            let warnings: Vec<ConsoleLine> = warnings.collect();
            self.console.extend(warnings);
        }
    }

    /// Records an answer that comes after the script's end; of a value only that there is one is remembered.
    async fn late(&mut self, settled: Settled, replies: &mut BTreeMap<RequestId, Reply>) {
        let reply = match &settled.reply {
            Reply::Value(_) => Reply::Value(Json::null()),
            failed @ Reply::Failed(_) => failed.clone(),
        };
        replies.insert(settled.request, reply);
        let delivery = self.delivery(self.clock.now(), settled);
        self.tell();
        if let Err(reason) = self.record(vec![Event::Delivered(delivery)]).await {
            tracing::error!(run = %self.parts.id, reason, "an outcome after the script's end is not recorded");
        }
    }

    fn unawaited(&self, request: &GuestRequest, reply: Option<&Reply>) -> Option<ConsoleLine> {
        let GuestAsk::Call { namespace, tool, .. } = &request.what else { return None };
        let line = self.line_of(request).map(|line| format!(" (line {line})")).unwrap_or_default();
        let became = match reply {
            Some(Reply::Value(_)) => "it was carried out".to_owned(),
            Some(Reply::Failed(failure)) => format!("it failed: {}", failure.message),
            None => "it was abandoned and its effect is unknown".to_owned(),
        };
        let text = format!("{namespace}.{tool}{line} was not awaited; {became}");
        Some(ConsoleLine { level: ConsoleLevel::Warn, text })
    }
}
