//! The floor: what the measured scripts do, done by a raw client that was written for just this. It parses answers
//! to the same depth and aggregates them in the same way; nothing can do it through Outboard for less.

use std::{borrow::Cow, collections::BTreeMap, fmt::Write as _};

use crate::{
    peer::{Peer, PeerFailure, call_params, request_line},
    records::{CHUNKS, PAGES, Summary},
    tree::Tree,
};

/// The text that is echoed.
pub(crate) const HELLO: &str = "hello";

/// Requests that wait for their answer at once: as many as fit into the pipes both ways, so that neither side
/// waits for the other to read.
const IN_FLIGHT: u32 = 400;

/// One echo.
pub(crate) fn echo(upstream: &mut Peer) -> Result<String, PeerFailure> {
    upstream.call("echo", r#"{"text":"hello"}"#)?.text()
}

/// `count` echoes, pipelined. Returns how many came back right.
pub(crate) fn echoes(upstream: &mut Peer, count: u32) -> Result<u32, PeerFailure> {
    let first = upstream.take_id();
    let (mut asked, mut answered, mut right) = (0, 0, 0);
    while answered < count {
        // Half of what may be under way at a time, so that the upstream never runs dry.
        if asked < count && asked - answered <= IN_FLIGHT / 2 {
            let until = count.min(answered + IN_FLIGHT);
            let mut lines = String::with_capacity(IN_FLIGHT as usize * 128);
            for number in asked..until {
                let id = if number == 0 { first } else { upstream.take_id() };
                let mut arguments = String::new();
                write!(arguments, r#"{{"text":"t{number}"}}"#).expect("a text takes all that is written");
                lines.push_str(&request_line(id, "tools/call", &call_params("echo", &arguments)));
            }
            upstream.write(lines.as_bytes())?;
            asked = until;
        }
        let answer = upstream.next_answer()?;
        let id = answer.id;
        right += u32::from(answer.good()?.text()?.strip_prefix('t') == Some(&(id - first).to_string()));
        answered += 1;
    }
    Ok(right)
}

/// 31 calls one after another: how many pages there are, and each of them.
pub(crate) fn pages(upstream: &mut Peer) -> Result<Summary, PeerFailure> {
    let mut tally = Tally::default();
    let result = upstream.call("pages", "{}")?;
    let pages =
        result.structured_content.as_ref().and_then(|value| value.get("pages")).and_then(Tree::number);
    if pages != Some(f64::from(PAGES)) {
        return Err(PeerFailure::Refused(format!("{pages:?} pages")));
    }
    for number in 0..PAGES {
        tally.add(upstream.call("page", &format!(r#"{{"number":{number}}}"#))?.structured_content.as_ref());
    }
    Ok(tally.summary())
}

/// Ten calls at once, of ten thousand records each.
pub(crate) fn chunks(upstream: &mut Peer) -> Result<Summary, PeerFailure> {
    let mut tally = Tally::default();
    let mut lines = String::new();
    for number in 0..CHUNKS {
        let params = call_params("chunk", &format!(r#"{{"number":{number}}}"#));
        lines.push_str(&request_line(upstream.take_id(), "tools/call", &params));
    }
    upstream.write(lines.as_bytes())?;
    for _ in 0..CHUNKS {
        tally.add(upstream.next_answer()?.good()?.structured_content.as_ref());
    }
    Ok(tally.summary())
}

/// The sums over records.
#[derive(Default)]
struct Tally {
    records: u64,
    failures: u64,
    seconds: f64,
    by_user: BTreeMap<String, u64>,
}

impl Tally {
    fn add(&mut self, value: Option<&Tree<'_>>) {
        for record in value.and_then(|value| value.get("records")).and_then(Tree::list).unwrap_or_default() {
            self.record(record);
        }
    }

    fn record(&mut self, record: &Tree<'_>) {
        self.records += 1;
        if let Some(metadata) = record.get("metadata") {
            self.failures += u64::from(metadata.get("success") == Some(&Tree::Bool(false)));
            self.seconds += metadata.get("duration_seconds").and_then(Tree::number).unwrap_or_default();
        }
        if let Some(Tree::Text(user)) = record.get("user_id") {
            match self.by_user.get_mut(Cow::as_ref(user)) {
                Some(count) => *count += 1,
                None => drop(self.by_user.insert(user.clone().into_owned(), 1)),
            }
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a sum of small whole numbers"
    )]
    fn summary(self) -> Summary {
        let Self { records, failures, seconds, by_user } = self;
        Summary { records, failures, seconds: seconds as u64, by_user }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, thread};

    use super::*;
    use crate::{records, upstream};

    /// The real upstream on a thread, at the other ends of two pipes.
    fn with_upstream<T>(check: impl FnOnce(&mut Peer) -> Result<T, PeerFailure>) -> T {
        let ((theirs_in, ours_in), (ours_out, theirs_out)) = (io::pipe().unwrap(), io::pipe().unwrap());
        let served = thread::spawn(move || upstream::serve(theirs_in, theirs_out));
        let mut peer = Peer::over(ours_in.into(), ours_out.into());
        peer.open().unwrap();
        let checked = check(&mut peer).unwrap();
        drop(peer);
        served.join().unwrap().unwrap();
        checked
    }

    #[test]
    fn the_floor_works_out_what_the_formulas_say() {
        assert_eq!(with_upstream(echo), HELLO);
        assert_eq!(with_upstream(pages), records::summary(300));
        assert_eq!(with_upstream(chunks), records::summary(100_000));
    }

    #[test]
    fn pipelined_echoes_all_come_back_right() {
        for count in [1, 2, IN_FLIGHT, IN_FLIGHT + 1, 1_000, 10_000] {
            assert_eq!(with_upstream(|peer| echoes(peer, count)), count);
        }
    }
}
