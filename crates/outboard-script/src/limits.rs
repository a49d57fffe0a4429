//! Bounds the text of a script before anything looks at it. What each language's parser can be asked to do is
//! bounded beside that parser.
//!
//! It does not decide whether a script is well-formed.

use crate::finding::Findings;
use crate::position::to_u32;

/// Bounds on the text of one script. Nesting and parser work have fixed bounds of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text as sent, prose and fence included. At most 16 MiB are honoured.
    pub source_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { source_bytes: 1 << 20 }
    }
}

impl Limits {
    fn bytes(&self) -> usize {
        self.source_bytes.min(16 << 20)
    }

    /// As much of `source` as findings may show.
    pub(crate) fn shown<'s>(&self, source: &'s str) -> &'s str {
        &source[..source.floor_char_boundary(self.bytes())]
    }

    /// Whether `source` is short enough; adds a finding if not.
    pub(crate) fn allow(&self, source: &str, findings: &mut Findings<'_>) -> bool {
        let allowed = self.bytes();
        if source.len() > allowed {
            let message = format!("the script has {} bytes; at most {allowed} are taken", source.len());
            let hint = "fetch data inside of the script instead of writing it into the script".to_owned();
            findings.add(to_u32(allowed), to_u32(allowed), message, Some(hint));
        }
        source.len() <= allowed
    }
}
