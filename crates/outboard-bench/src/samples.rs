//! The arithmetic of a measure: samples, their median and spread, and what a target makes of them.
//! It takes no time itself.

/// What samples count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Bytes,
}

/// Samples of one quantity, in seconds or bytes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    pub(crate) fn push(&mut self, sample: f64) {
        self.0.push(sample);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The value below which `share` of the samples lie, interpolated between the two nearest; 0 without samples.
    pub(crate) fn at(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
        #[expect(clippy::cast_precision_loss, reason = "a count of samples is small")]
        let place = share.clamp(0.0, 1.0) * last as f64;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the samples")]
        let below = place.floor() as usize;
        let above = (below + 1).min(last);
        sorted[below] + (sorted[above] - sorted[below]) * place.fract()
    }

    pub(crate) fn median(&self) -> f64 {
        self.at(0.5)
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(samples: I) -> Self {
        Self(samples.into_iter().collect())
    }
}

/// Samples of ours and of what they are compared with, taken by turns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pair {
    pub(crate) ours: Samples,
    pub(crate) other: Samples,
}

/// What is to be reached by medians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Target {
    /// Ours is at most this.
    AtMost(f64),
    /// Ours is more than the other by at most this.
    Beyond(f64),
    /// Ours is at most this many times the other.
    Times(f64),
    /// The other is at least this many times ours.
    Faster(f64),
}

/// What a target makes of samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Verdict {
    /// What the target is about: a quantity or a ratio.
    pub(crate) figure: f64,
    pub(crate) pass: bool,
}

impl Target {
    /// Judges medians. Without samples nothing passes.
    pub(crate) fn judge(self, pair: &Pair) -> Verdict {
        let (ours, other) = (pair.ours.median(), pair.other.median());
        let (figure, pass) = match self {
            Self::AtMost(most) => (ours, ours <= most),
            Self::Beyond(most) => (ours - other, ours - other <= most),
            Self::Times(most) => (ours / other, ours / other <= most),
            Self::Faster(least) => (other / ours, other / ours >= least),
        };
        let compared = matches!(self, Self::AtMost(_)) || pair.other.count() > 0;
        Verdict { figure, pass: pass && compared && pair.ours.count() > 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        values.iter().copied().collect()
    }

    #[test]
    fn median_and_spread_are_interpolated() {
        for (values, p10, median, p90) in [
            (&[][..], 0.0, 0.0, 0.0),
            (&[7.0], 7.0, 7.0, 7.0),
            (&[3.0, 1.0], 1.2, 2.0, 2.8),
            (&[5.0, 1.0, 3.0], 1.4, 3.0, 4.6),
            (&[11.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], 2.0, 6.0, 10.0),
            (&[1.0, 1.0, 1.0, 1000.0], 1.0, 1.0, 700.3),
        ] {
            let samples = samples(values);
            let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
            assert!(near(samples.at(0.1), p10), "{values:?}: {}", samples.at(0.1));
            assert!(near(samples.median(), median), "{values:?}: {}", samples.median());
            assert!(near(samples.at(0.9), p90), "{values:?}: {}", samples.at(0.9));
        }
    }

    #[test]
    fn targets_judge_medians_and_are_met_when_just_reached() {
        let pair = |ours: &[f64], other: &[f64]| Pair { ours: samples(ours), other: samples(other) };
        for (target, ours, other, figure, pass) in [
            (Target::AtMost(2.0), &[1.0, 2.0, 90.0][..], &[][..], 2.0, true),
            (Target::AtMost(2.0), &[2.5], &[], 2.5, false),
            (Target::Beyond(1.0), &[5.0], &[4.0], 1.0, true),
            (Target::Beyond(1.0), &[5.5], &[4.0], 1.5, false),
            (Target::Times(1.5), &[3.0], &[1.0, 2.0, 3.0], 1.5, true),
            (Target::Times(1.5), &[3.1], &[2.0], 1.55, false),
            (Target::Faster(5.0), &[1.0], &[5.0], 5.0, true),
            (Target::Faster(5.0), &[1.0], &[4.0], 4.0, false),
        ] {
            let verdict = target.judge(&pair(ours, other));
            assert_eq!(verdict, Verdict { figure, pass }, "{target:?} {ours:?} {other:?}");
        }
        assert!(!Target::AtMost(1.0).judge(&Pair::default()).pass);
        assert!(!Target::Times(1.0).judge(&pair(&[1.0], &[])).pass);
        assert!(!Target::Beyond(1.0).judge(&pair(&[1.0], &[])).pass);
    }
}
