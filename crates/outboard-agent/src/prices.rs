//! What tokens cost by list prices, each with the date from which it is known. A model that is not in the table costs
//! nothing that could be told: there is no guess. Discounts, batches and fees of other kinds are not known here.

use serde::Deserialize;

use crate::usage::Usage;

const BUILT_IN: &str = include_str!("../data/prices.json");
const FORMAT: u32 = 1;
const MILLION: f64 = 1e6;

/// Prices of models.
#[derive(Clone, Debug)]
pub struct Prices {
    models: Vec<Price>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: u32,
    models: Vec<Price>,
}

/// Dollars for a million tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Price {
    names: Vec<String>,
    input: f64,
    output: f64,
    /// Without it cached tokens cost as others.
    cache_read: Option<f64>,
    cache_write: Option<f64>,
    /// The price holds for prompts up to so many tokens.
    prompt_up_to: Option<u64>,
    as_of: String,
}

/// A price file that is none.
#[derive(Debug, thiserror::Error)]
pub enum BadPrices {
    /// It cannot be read.
    #[error("read the prices")]
    Json(#[source] serde_json::Error),
    /// It is of another version.
    #[error("read the prices: they have format {0}, this version reads {FORMAT}")]
    Format(u32),
    /// A price is none.
    #[error("read the prices: {0} has a price that is negative or no number")]
    Price(String),
}

/// What something cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Cost {
    /// Dollars.
    pub dollars: f64,
    /// From when the price is known, as the table says it.
    pub as_of: String,
}

/// Why it is not known what something cost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCost {
    /// No price is known.
    #[error("no price of this model")]
    NoPrice,
    /// The price does not hold for so much.
    #[error("the price of this model holds for prompts up to {0} tokens, and a longer one was sent")]
    LongPrompt(u64),
}

impl Prices {
    /// The prices that this program knows.
    pub fn built_in() -> Self {
        Self::read(BUILT_IN).expect("the table of the program can be read: a test reads it")
    }

    /// No prices.
    pub fn none() -> Self {
        Self { models: Vec::new() }
    }

    /// Prices of a file, in the form of `data/prices.json`.
    ///
    /// # Errors
    /// If it is none.
    pub fn read(text: &str) -> Result<Self, BadPrices> {
        let File { format, models } = serde_json::from_str(text).map_err(BadPrices::Json)?;
        if format != FORMAT {
            return Err(BadPrices::Format(format));
        }
        let is_price = |price: f64| price.is_finite() && price >= 0.0;
        for model in &models {
            let all = [Some(model.input), Some(model.output), model.cache_read, model.cache_write];
            if !all.into_iter().flatten().all(is_price) {
                return Err(BadPrices::Price(model.names.first().cloned().unwrap_or_default()));
            }
        }
        Ok(Self { models })
    }

    /// These prices, and those of `self` for models that they do not name.
    #[must_use]
    pub fn overridden_by(mut self, prices: Self) -> Self {
        let mut models = prices.models;
        models.append(&mut self.models);
        Self { models }
    }

    /// What turns of a model cost.
    ///
    /// # Errors
    /// If its price is not known, or does not hold for all of them.
    pub fn cost(&self, model: &str, turns: impl IntoIterator<Item = Usage>) -> Result<Cost, NoCost> {
        let price = self.models.iter().find(|price| price.names.iter().any(|name| is(model, name)));
        let price = price.ok_or(NoCost::NoPrice)?;
        let mut dollars = 0.0;
        for turn in turns {
            if let Some(most) = price.prompt_up_to.filter(|most| turn.whole_input() > *most) {
                return Err(NoCost::LongPrompt(most));
            }
            #[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than a double can count")]
            let of = |tokens: u64, price: f64| tokens as f64 * price / MILLION;
            dollars += of(turn.input, price.input)
                + of(turn.cache_read, price.cache_read.unwrap_or(price.input))
                + of(turn.cache_write, price.cache_write.unwrap_or(price.input))
                + of(turn.output, price.output);
        }
        Ok(Cost { dollars, as_of: price.as_of.clone() })
    }
}

/// Whether a model is this one, perhaps with the date of its version behind the name.
fn is(model: &str, name: &str) -> bool {
    let Some(rest) = model.strip_prefix(name) else { return false };
    let Some(date) = rest.strip_prefix('-') else { return rest.is_empty() };
    let digits: String = date.chars().filter(|c| *c != '-').collect();
    digits.len() == 8 && digits.starts_with("20") && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_prices_are_told_and_files_go_before_the_table() {
        let turn = Usage { input: 1_000_000, cache_read: 1_000_000, cache_write: 0, output: 100_000 };
        let prices = Prices::built_in();
        let dollars = |prices: &Prices, model: &str| prices.cost(model, [turn]).ok().map(|cost| cost.dollars);
        assert_eq!(dollars(&prices, "gpt-4o"), Some(2.5 + 1.25 + 1.0));
        assert_eq!(dollars(&prices, "gpt-4o-2024-08-06"), Some(4.75));
        assert_eq!(dollars(&prices, "claude-haiku-4-5-20251001"), Some(1.0 + 0.1 + 0.5));
        for unknown in ["gpt-4o-audio", "gpt-4", "my-model", "claude-haiku-5-5", "gpt-4o-20251"] {
            assert_eq!(dollars(&prices, unknown), None, "{unknown}");
        }
        let own =
            r#"{"format":1,"models":[{"names":["my-model","gpt-4o"],"input":1,"output":0,"asOf":"today"}]}"#;
        let prices = prices.overridden_by(Prices::read(own).unwrap());
        assert_eq!(prices.cost("my-model", [turn]), Ok(Cost { dollars: 2.0, as_of: "today".into() }));
        assert_eq!(dollars(&prices, "gpt-4o"), Some(2.0));
        let long = Usage { cache_read: 200_000, input: 1, ..Usage::default() };
        assert_eq!(prices.cost("claude-sonnet-4-5", [turn, long]), Err(NoCost::LongPrompt(200_000)));
        assert_eq!(prices.cost("nobody's", [long]), Err(NoCost::NoPrice));
    }

    #[test]
    fn files_that_are_no_prices_are_refused() {
        for bad in [
            "",
            r#"{"format":2,"models":[]}"#,
            r#"{"format":1,"models":[{"names":["a"],"input":-1,"output":0,"asOf":""}]}"#,
            r#"{"format":1,"models":[{"names":["a"],"inputs":1,"output":0,"asOf":""}]}"#,
        ] {
            assert!(Prices::read(bad).is_err(), "{bad}");
        }
    }
}
