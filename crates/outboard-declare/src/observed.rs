//! What the results of a tool that declares none have looked like, learned from results and shown as a schema.
//! Pure: reads the text of results, which are hostile, within bounds. It neither stores anything nor decides what may be
//! learned from. Of a result's text only names and words are kept that `words` lets in; they are shown after three
//! calls.

mod calls;
mod reading;
mod schema;
mod shape;
mod words;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use calls::ENOUGH;
use shape::Shape;

/// Longest result that is looked at, in bytes.
pub const LONGEST_RESULT: usize = 4 * 1024 * 1024;

/// Deepest nesting of which something is said.
const DEEPEST: usize = 6;

/// Most values of one result, and items of one list, that are looked at.
const MOST_VALUES: usize = 5_000;
const MOST_ITEMS: usize = 40;

/// Most places of one tool's results that are kept apart.
const MOST_PLACES: usize = 300;

/// Most names of one record, and words of one place, that are kept apart.
const MOST_NAMES: usize = 60;
const MOST_WORDS: usize = 8;

/// The results of one tool, as far as they were learned from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    calls: u32,
    shape: Shape,
}

/// A result from which nothing was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotLearned {
    /// Longer than [`LONGEST_RESULT`].
    #[error("the result is longer than {LONGEST_RESULT} bytes")]
    TooLong,
    /// No JSON value, or one that is nested too deep to be read.
    #[error("the result cannot be read as JSON")]
    Unreadable,
}

impl Observed {
    /// Widens what is known by the result of one more call, a JSON text. Looks at the first 40 items of each list and
    /// at 5,000 values in all; what it does not look at changes nothing.
    ///
    /// # Errors
    /// If nothing was learned from it. What is known is as it was.
    pub fn learn(&mut self, result: &str) -> Result<(), NotLearned> {
        if result.len() > LONGEST_RESULT {
            return Err(NotLearned::TooLong);
        }
        let call = self.calls.saturating_add(1);
        let shape = reading::read(result, call).map_err(|_| NotLearned::Unreadable)?;
        self.calls = call;
        self.shape.widen(shape);
        self.shape.shrink(MOST_PLACES, DEEPEST);
        Ok(())
    }

    /// From how many calls it was learned.
    pub fn calls(&self) -> u32 {
        self.calls
    }

    /// What results look like, as a JSON Schema; `None` until three calls were learned from, and while nothing is known
    /// that is worth saying. Every result that was looked at whole is valid for it.
    ///
    /// ```
    /// use outboard_declare::observed::Observed;
    /// use serde_json::json;
    /// let mut observed = Observed::default();
    /// for result in [r#"{"id": 1}"#, r#"{"id": 2, "note": "x"}"#, r#"{"id": null}"#] {
    ///     observed.learn(result).unwrap();
    /// }
    /// let id = json!({"type": ["integer", "null"]});
    /// let schema = json!({"type": "object", "properties": {"id": id}, "required": ["id"]});
    /// assert_eq!(observed.schema(), Some(schema));
    /// ```
    pub fn schema(&self) -> Option<Value> {
        let known = usize::try_from(self.calls).is_ok_and(|calls| calls >= ENOUGH);
        let schema = known.then(|| schema::of(&self.shape))?;
        schema.as_object().is_some_and(|keywords| !keywords.is_empty()).then_some(schema)
    }
}
