//! How turns are asked for, of whichever API.
//! What an API does not know of these, its dialect leaves out.

/// How much a model thinks before it says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// As usual.
    Medium,
    /// Much.
    High,
    /// Very much.
    Xhigh,
}

impl Effort {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::Xhigh];

    /// As the API calls it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
        }
    }
}

/// How turns are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Tokens that one turn may write.
    pub most_output: u32,
    /// Whether the API is asked to keep the prompt in its cache.
    pub cache: bool,
    /// Whether a turn comes as it is written.
    pub stream: bool,
    /// How much the model thinks; the API's own choice without it. Chat completions alone know this.
    pub effort: Option<Effort>,
}

impl Default for Options {
    fn default() -> Self {
        Self { most_output: 8_192, cache: true, stream: true, effort: None }
    }
}
