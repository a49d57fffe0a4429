//! The names that things go by. Each is its own type, so that one cannot be passed for another.
//! Nothing here is a secret except a [`Handle`], which is unguessable.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    };
}

text_id! {
    /// An upstream as its configuration entry names it, for example `data-tools`.
    UpstreamName
}
text_id! {
    /// An upstream as scripts name it: a JavaScript identifier, for example `data_tools`.
    Namespace
}
text_id! {
    /// A tool by the name that its upstream gave it, for example `create-issue`.
    ToolName
}
text_id! {
    /// One execution of one script, for example `r12-k3f0…`: its name within its session, and what sets it apart from
    /// those of all other sessions.
    RunId
}
text_id! {
    /// The unguessable name of a value kept for the session, for example `r7_k3f0…`.
    Handle
}
text_id! {
    /// On whose behalf a run is made, for example `claude-code`. Over stdio it is what the client calls itself: a claim.
    Principal
}
text_id! {
    /// What a person was asked, for example `k3f9xz`: short, because people type it. Knowing it allows nothing.
    QuestionId
}
text_id! {
    /// Hash of a guest's start image, lower-case hexadecimal SHA-256.
    ImageHash
}

/// Characters of a 32-letter alphabet without look-alikes, five random bits each.
pub(crate) fn random_word(length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = vec![0u8; length];
    // Without randomness a name would be guessable, so there is nothing safe to go on with.
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

impl RunId {
    /// The run's name within its session, for example `r12`.
    pub fn name(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(name, _)| name)
    }

    /// What runs of one session have in common, and those of no other: all of an id that has no such part.
    pub fn session(&self) -> &str {
        self.0.split_once('-').map_or(&self.0, |(_, session)| session)
    }
}

/// Number of a guest's request within its run, counted by the guest from 1. The same script with
/// the same deliveries numbers its requests the same way, which is what replay rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u32);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
