//! Why a request has no answer, with more detail than callers of the port need.
//! It does not say what to do about it.

use outboard_runtime::ports::upstream::SendFailure;

/// Why a request has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// It was not sent, or certainly not carried out.
    #[error("{0}")]
    Unavailable(String),
    /// It was sent; whether it was carried out is unknown.
    #[error("{0}")]
    Lost(String),
    #[error(transparent)]
    Refused(Refusal),
    #[error("{0}")]
    Unreadable(String),
}

/// A JSON-RPC error.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message} (code {code})")]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) message: String,
    /// `data` as JSON.
    pub(crate) data: Option<String>,
}

/// The longest `data` that is added to a message, in bytes.
const SHOWN_DATA: usize = 2000;

impl From<Failure> for SendFailure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(reason) => Self::Unavailable { reason },
            Failure::Lost(reason) => Self::Lost { reason },
            Failure::Unreadable(reason) => Self::Unreadable { reason },
            Failure::Refused(Refusal { code, mut message, data }) => {
                // The useful part of an error is often in its data alone.
                if let Some(data) = data.filter(|data| data.len() <= SHOWN_DATA) {
                    message = format!("{message}: {data}");
                }
                Self::Refused { code, message }
            }
        }
    }
}
