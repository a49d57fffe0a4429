//! Tokens of a turn or of many. What an API reports and what is counted here are the same type; who counted is told
//! beside it. It knows no prices.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Tokens that are billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usage {
    /// Read by the model, and neither from nor into a prompt cache.
    pub input: u64,
    /// Read from a prompt cache.
    pub cache_read: u64,
    /// Written into a prompt cache.
    pub cache_write: u64,
    /// Written by the model.
    pub output: u64,
}

impl Usage {
    /// All that the model read, cached or not.
    pub fn whole_input(&self) -> u64 {
        self.input.saturating_add(self.cache_read).saturating_add(self.cache_write)
    }

    /// All tokens.
    pub fn total(&self) -> u64 {
        self.whole_input().saturating_add(self.output)
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input = self.input.saturating_add(other.input);
        self.cache_read = self.cache_read.saturating_add(other.cache_read);
        self.cache_write = self.cache_write.saturating_add(other.cache_write);
        self.output = self.output.saturating_add(other.output);
    }
}

impl std::iter::Sum for Usage {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::default(), |mut sum, part| {
            sum += part;
            sum
        })
    }
}

/// Who counted the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// The model's API.
    Reported,
    /// We, with the o200k tokenizer: an estimate.
    Estimated,
}

impl Counted {
    /// The label that stands beside such figures.
    pub fn label(self) -> &'static str {
        match self {
            Self::Reported => "as the API reports",
            Self::Estimated => "o200k estimate",
        }
    }
}
