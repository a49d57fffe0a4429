//! What is waited for goes to the log where the database may come later: what continues a run that is there, and rests on
//! nothing that is used up.

use std::sync::PoisonError;

use outboard_runtime::journal::{Append, Event, Lease};

use super::Writer;
use crate::{job::Appends, pending};

impl Writer {
    /// Logs appends, if they may be brought into the database later; else they are given back.
    pub(crate) fn go_logging(&mut self, appends: Vec<Appends>) -> Result<(), Vec<Appends>> {
        if self.may_log(&appends) { self.log(appends) } else { Err(appends) }
    }

    /// Whether all of this could as well be brought into the database later: of runs that are there and this process owns.
    fn may_log(&self, appends: &[Appends]) -> bool {
        let is_open = |lease: &Lease| {
            self.owned.get(&lease.run).is_some_and(|own| own.fence == lease.fence && !own.is_over)
        };
        let given_up = |lease: &Lease| self.pending.of(&lease.run, lease.fence).is_err();
        let simple = |append: &Append| {
            let begins = |event: &Event| matches!(event, Event::Opened(_) | Event::Resumed(_));
            append.spends.is_empty() && !append.events.iter().any(begins)
        };
        // Without a log nobody has fenced it.
        let events =
            appends.iter().flat_map(|of| &of.appends).map(|(append, _)| append.events.len()).sum::<usize>();
        (events > 0 || self.ahead.has_begun())
            && appends.iter().all(|Appends { lease, appends }| {
                is_open(lease) && !given_up(lease) && appends.iter().all(|(append, _)| simple(append))
            })
    }

    /// Logs appends. Where another process may not have seen them, or they may be there in part, they are given back empty:
    /// what becomes of them says the database, to which they are brought in any case.
    fn log(&mut self, mut appends: Vec<Appends>) -> Result<(), Vec<Appends>> {
        let Some(holder) = &self.holder else { return Err(appends) };
        let redactor = self.redactor.read().unwrap_or_else(PoisonError::into_inner);
        let (mut records, mut bytes) = (Vec::new(), 0);
        for Appends { lease, appends } in &mut appends {
            let taken = appends.iter_mut().flat_map(|(append, _)| std::mem::take(&mut append.events));
            let mut events: Vec<_> = taken.collect();
            let mut redacted = false;
            for event in &mut events {
                redacted |= redactor.redact(event);
                bytes += pending::weight(event);
            }
            if let (Some(Event::Ended(_)), Some(own)) = (events.last(), self.owned.get_mut(&lease.run)) {
                own.is_over = true;
            }
            if !events.is_empty() {
                records.push((lease.clone(), redacted, events));
            }
        }
        drop(redactor);
        let logged = self.ahead.log(&self.options.folder, &holder.id, records, bytes);
        if let Err(error) = &logged {
            tracing::debug!(%error, "the journal's log cannot be written");
        }
        if self.ahead.is_fenced() || logged.is_err() {
            return Err(appends);
        }
        for (_, done) in appends.into_iter().flat_map(|of_run| of_run.appends) {
            // Whoever does not wait any more need not be told.
            let _ = done.send(Ok(()));
        }
        Ok(())
    }
}
