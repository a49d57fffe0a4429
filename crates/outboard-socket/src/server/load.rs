//! What programs at a socket may hold of this process: how many calls, and how many bytes of these calls and of answers that
//! nobody has read. It is counted for each program and for all of them together; it does not know what is held.
//!
//! Not counted is what a program is still sending: one frame for each.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What is held, and how much of it may be.
#[derive(Debug)]
pub(super) struct Load {
    most_calls: usize,
    most_bytes: usize,
    held: Mutex<Amount>,
    /// What this is a part of.
    whole: Option<Arc<Load>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amount {
    calls: usize,
    bytes: usize,
}

/// Something that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Held {
    load: Arc<Load>,
    amount: Amount,
}

/// No more is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{whose} {calls} calls under way or has not read their answers; up to {most_calls} calls and {} MB are taken",
    most_bytes >> 20
)]
pub(super) struct TooMuch {
    whose: &'static str,
    calls: usize,
    most_calls: usize,
    most_bytes: usize,
}

impl Load {
    pub(super) fn new(most_calls: usize, most_bytes: usize) -> Arc<Self> {
        Arc::new(Self { most_calls, most_bytes, held: Mutex::default(), whole: None })
    }

    /// A part of it, with limits of its own besides.
    pub(super) fn part(self: &Arc<Self>, most_calls: usize, most_bytes: usize) -> Arc<Self> {
        Arc::new(Self { most_calls, most_bytes, held: Mutex::default(), whole: Some(Arc::clone(self)) })
    }

    /// Takes a call of so many bytes in, unless it is one more than may be, or as many bytes are held already.
    pub(super) fn call(self: &Arc<Self>, bytes: usize) -> Result<Held, TooMuch> {
        self.levels().try_for_each(Self::room)?;
        let amount = Amount { calls: 1, bytes };
        self.levels().for_each(|load| load.now().add(amount));
        Ok(Held { load: Arc::clone(self), amount })
    }

    fn room(&self) -> Result<(), TooMuch> {
        let Amount { calls, bytes } = *self.now();
        if calls < self.most_calls && bytes < self.most_bytes {
            return Ok(());
        }
        let whose = if self.whole.is_some() { "the program has" } else { "all programs together have" };
        Err(TooMuch { whose, calls, most_calls: self.most_calls, most_bytes: self.most_bytes })
    }

    /// This and all that it is a part of.
    fn levels(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |load| load.whole.as_deref())
    }

    fn now(&self) -> MutexGuard<'_, Amount> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Amount {
    fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.bytes += more.bytes;
    }

    fn take(&mut self, less: Self) {
        self.calls -= less.calls;
        self.bytes -= less.bytes;
    }
}

impl Held {
    /// From now on it is so many bytes.
    pub(super) fn become_bytes(&mut self, bytes: usize) {
        let before = std::mem::replace(&mut self.amount.bytes, bytes);
        for load in self.load.levels() {
            let mut now = load.now();
            now.bytes = now.bytes - before + bytes;
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.load.levels().for_each(|load| load.now().take(self.amount));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_have_limits_of_their_own_and_one_together() {
        let whole = Load::new(3, 100);
        let (one, other) = (whole.part(2, 60), whole.part(2, 60));
        let first = one.call(10).unwrap();
        let second = one.call(10).unwrap();
        assert_eq!(
            one.call(10).unwrap_err().to_string(),
            "the program has 2 calls under way or has not read their answers; up to 2 calls and 0 MB are taken"
        );
        let third = other.call(10).unwrap();
        assert!(other.call(10).unwrap_err().to_string().starts_with("all programs together have 3 calls"));
        drop(second);
        let mut fourth = other.call(10).unwrap();
        drop((first, third));
        assert_eq!(*whole.now(), Amount { calls: 1, bytes: 10 });
        // An answer may be longer than what there is room for; then nothing more is taken from anybody.
        fourth.become_bytes(100);
        assert!(other.call(0).is_err() && one.call(0).is_err());
        fourth.become_bytes(1);
        assert!(one.call(0).is_ok());
        drop(fourth);
        assert_eq!((*whole.now(), *one.now(), *other.now()), Default::default());
    }
}
