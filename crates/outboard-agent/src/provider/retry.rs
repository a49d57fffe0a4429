//! When a request is made again, and after what pause: with a jittered backoff, and never sooner than the server asks.
//! It sends nothing.

use std::time::Duration;

/// How patient a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Tries of one turn, the first included.
    pub tries: u32,
    /// The longest pause before the second try; it doubles with each further one.
    pub first: Duration,
    /// The longest pause of our own.
    pub longest: Duration,
    /// A server that asks for a longer pause than this is told of instead of waited for.
    pub asked: Duration,
    /// A server that sends nothing at all for so long is given up, and not asked again: it may bill what it was thinking of.
    /// Models think for minutes, and not every API sends pings meanwhile.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 6,
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            asked: Duration::from_secs(120),
            silence: Duration::from_secs(600),
        }
    }
}

impl Patience {
    /// The pause after so many failed tries: between half of the backoff and all of it (`share` of 0 to 1), or what the
    /// server asks for if that is longer; `None` if it is not tried again.
    pub fn pause(&self, failed: u32, asked: Option<Duration>, share: f64) -> Option<Duration> {
        if failed >= self.tries || asked.is_some_and(|asked| asked > self.asked) {
            return None;
        }
        let doubled = self.first.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(self.longest);
        let own = doubled.mul_f64(0.5 + 0.5 * share.clamp(0.0, 1.0));
        Some(own.max(asked.unwrap_or_default()))
    }
}

/// Whether a server that answers so may do it another time.
pub fn may_pass(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500 | 502 | 503 | 504 | 529)
}

/// The pause that a server asks for: `retry-after-ms`, or the seconds of `retry-after`. A date there is not understood.
pub fn asked_pause(header: impl Fn(&str) -> Option<String>) -> Option<Duration> {
    let number = |name: &str| header(name)?.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    let milliseconds = number("retry-after-ms").map(|milliseconds| milliseconds / 1e3);
    let seconds = milliseconds.or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds.max(0.0)).ok()
}

/// A share between 0 and 1 that differs from process to process.
pub(crate) fn any_share() -> f64 {
    let mut byte = [0];
    // Without randomness the whole pause is made.
    getrandom::fill(&mut byte).map_or(1.0, |()| f64::from(byte[0]) / 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_are_jittered_and_never_shorter_than_asked() {
        let patience = Patience::default();
        let seconds = Duration::from_secs_f64;
        for (failed, asked, share, expected) in [
            (1, None, 1.0, Some(seconds(1.0))),
            (1, None, 0.0, Some(seconds(0.5))),
            (3, None, 1.0, Some(seconds(4.0))),
            (5, None, 0.5, Some(seconds(12.0))),
            (2, Some(seconds(7.0)), 1.0, Some(seconds(7.0))),
            (2, Some(seconds(0.1)), 1.0, Some(seconds(2.0))),
            (2, Some(seconds(121.0)), 1.0, None),
            (6, None, 1.0, None),
        ] {
            assert_eq!(patience.pause(failed, asked, share), expected, "{failed} {asked:?} {share}");
        }
        let endless = Patience { tries: u32::MAX, ..patience };
        assert_eq!(endless.pause(1_000_000, None, 1.0), Some(patience.longest));
    }

    #[test]
    fn what_a_server_asks_for_is_read_and_nonsense_is_not() {
        let asked = |name: &'static str, value: &'static str| {
            asked_pause(move |wanted| (wanted == name).then(|| value.to_owned()))
        };
        for (name, value, expected) in [
            ("retry-after", "3", Some(Duration::from_secs(3))),
            ("retry-after", " 1.5 ", Some(Duration::from_millis(1_500))),
            ("retry-after-ms", "250", Some(Duration::from_millis(250))),
            ("retry-after", "-4", Some(Duration::ZERO)),
            ("retry-after", "1e300", None),
            ("retry-after", "NaN", None),
            ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", None),
            ("other", "3", None),
        ] {
            assert_eq!(asked(name, value), expected, "{name}: {value}");
        }
    }
}
