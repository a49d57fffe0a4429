//! What is known of an operation when it is judged. Facts only: what follows from them is for the policy to say,
//! except which of an upstream's claims count.

use crate::{
    catalogue::Annotations,
    operation::Operation,
    policy::{Labels, Taint},
};

/// All that a policy may judge by.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// What is to happen, exactly.
    pub operation: &'a Operation,
    /// The tool as scripts name it, if it is a tool call.
    pub identifier: &'a str,
    /// What the upstream claims of the tool. [`Facts::believed`] says what of it counts.
    pub claims: Annotations,
    /// What a person has said of the tool's definition.
    pub standing: Standing,
    /// The user's configuration says `trust` of the upstream.
    pub trusted: bool,
    /// What the user's configuration says of the upstream's data.
    pub labels: Labels,
    /// The resource that it is about was listed by the upstream; true if it is about none.
    pub listed: bool,
    /// Who is at the other end, where that was proved.
    pub principal: Option<&'a str>,
    /// What was done so far.
    pub counts: Counts,
    /// What the session has seen.
    pub taint: Taint,
}

/// How a definition stands with the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Nobody has accepted the upstream.
    #[default]
    NotAccepted,
    /// The upstream was accepted, and this tool was not among those that it listed then.
    New,
    /// It was accepted and has changed since, in something that matters.
    Changed,
    /// It is as it was accepted.
    Accepted,
}

/// Operations of the same kind so far, those under way included and the one that is judged not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls of this run.
    pub run: u32,
    /// Calls of this tool in this run.
    pub tool: u32,
    /// Calls of this tool in the last hour, of all runs of this process.
    pub hour: u32,
}

impl Standing {
    /// Whether a person has vouched for what the upstream claims of the tool. Trust stands for an acceptance that never
    /// was, and not for one of another definition.
    pub fn vouches(self, trusted: bool) -> bool {
        match self {
            Self::Accepted => true,
            Self::NotAccepted => trusted,
            Self::New | Self::Changed => false,
        }
    }
}

impl<'a> Facts<'a> {
    /// An operation of which nothing is known but itself.
    pub fn of(operation: &'a Operation) -> Self {
        Self {
            operation,
            identifier: operation.name(),
            claims: Annotations::default(),
            standing: Standing::default(),
            trusted: false,
            labels: Labels::default(),
            listed: true,
            principal: None,
            counts: Counts::default(),
            taint: Taint::default(),
        }
    }

    /// Whether a person has vouched for the upstream, and the definition is none that nobody has seen.
    pub fn vouched(&self) -> bool {
        self.standing.vouches(self.trusted)
    }

    /// What counts of the upstream's claims: nothing, before a person has vouched for it.
    pub fn believed(&self) -> Annotations {
        if self.vouched() { self.claims } else { Annotations::default() }
    }

    /// Whether the operation leaves the organisation: as labelled, else unless the tool declares that it does not.
    pub fn is_external(&self) -> bool {
        self.labels.external.unwrap_or(self.believed().open_world_hint != Some(false))
    }
}
