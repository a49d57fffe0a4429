//! Random bytes for a Python guest, all from the seed of its run: SHA-256 over the seed and a counter.
//! Predictable to whoever knows the journal, which is what a replay needs, and to nobody else.

use sha2::{Digest, Sha256};

/// The random bytes of one run.
#[derive(Debug)]
pub(crate) struct Random {
    seed: [u8; 32],
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl Random {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        Self { seed, counter: 0, block: [0; 32], used: 32 }
    }

    /// The next bytes.
    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            if self.used == self.block.len() {
                let mut hash = Sha256::new();
                hash.update(b"outboard python random");
                hash.update(self.seed);
                hash.update(self.counter.to_le_bytes());
                self.block = hash.finalize().into();
                self.counter += 1;
                self.used = 0;
            }
            *byte = self.block[self.used];
            self.used += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_depend_on_the_seed_and_not_on_how_they_are_taken() {
        let take = |seed, sizes: &[usize]| {
            let mut random = Random::new([seed; 32]);
            let mut all = Vec::new();
            for size in sizes {
                let mut bytes = vec![0; *size];
                random.fill(&mut bytes);
                all.extend(bytes);
            }
            all
        };
        assert_eq!(take(1, &[100]), take(1, &[1, 31, 33, 35]));
        assert_ne!(take(1, &[100]), take(2, &[100]));
        assert_ne!(take(1, &[64])[..32], take(1, &[64])[32..]);
    }
}
