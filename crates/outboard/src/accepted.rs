//! What a person accepted of each upstream: its tools as they were shown, kept by what the entry reaches. An entry
//! that reaches something else is another upstream, which nobody has accepted. It decides nothing about calls.

use std::path::{Path, PathBuf};

use outboard_runtime::{catalogue::Listing, policy::Pins};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    config::{Entry, hash},
    state_file::{StateFile, StateProblem},
};

/// Version of the format. A newer one is refused, never overwritten.
const FORMAT: u32 = 1;

/// The acceptances of this user.
#[derive(Clone, Debug)]
pub(crate) struct Acceptances {
    folder: PathBuf,
}

/// One file. Its tools are kept whole, so that a change can be shown as a difference.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    /// For people who look into the file.
    upstream: String,
    pins: Option<Pins>,
    accepted: Option<Listing>,
}

/// What the gate reads of a file: an API's tools with their schemas take many megabytes.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Pinned {
    pins: Option<Pins>,
}

impl Acceptances {
    /// Those of this state directory.
    pub(crate) fn at(state: &Path) -> Self {
        Self { folder: Self::folder(state) }
    }

    /// Where they are kept. The folder changes whenever one of them does.
    pub(crate) fn folder(state: &Path) -> PathBuf {
        state.join("accepted")
    }

    /// What was accepted of this upstream.
    pub(crate) fn read(&self, name: &str, entry: &Entry) -> Result<Option<Listing>, StateProblem> {
        Ok(self.open::<Stored>(name, entry)?.content.accepted)
    }

    /// The same for the gate. What cannot be read was not accepted, and is told of.
    pub(crate) fn pins(&self, name: &str, entry: &Entry) -> Option<Pins> {
        let read = self.open::<Pinned>(name, entry).inspect_err(
            |problem| tracing::warn!(upstream = name, %problem, "what was accepted of it cannot be read"),
        );
        read.ok()?.content.pins
    }

    /// Accepts exactly these tools.
    pub(crate) fn accept(&self, name: &str, entry: &Entry, listing: &Listing) -> Result<(), StateProblem> {
        let mut file = self.open::<Stored>(name, entry)?;
        let (pins, accepted) = (Some(Pins::of(listing)), Some(listing.clone()));
        file.content = Stored { upstream: name.to_owned(), pins, accepted };
        file.save()
    }

    /// Takes acceptance back. Tells whether there was any.
    pub(crate) fn revoke(&self, name: &str, entry: &Entry) -> Result<bool, StateProblem> {
        let mut file = self.open::<Stored>(name, entry)?;
        let was = file.content.accepted.take().is_some();
        file.content.pins = None;
        if was {
            file.save()?;
        }
        Ok(was)
    }

    fn open<T: Default + Serialize + DeserializeOwned>(
        &self,
        name: &str,
        entry: &Entry,
    ) -> Result<StateFile<T>, StateProblem> {
        // An entry serialises as what it reaches; its texts have no order of their own.
        let key = serde_json::to_vec(&(name, entry)).unwrap_or_default();
        StateFile::load(&self.folder.join(format!("{}.json", hash(&key))), FORMAT)
    }
}

#[cfg(test)]
mod tests {
    use outboard_runtime::catalogue::ToolDefinition;
    use serde_json::json;

    use super::*;
    use crate::config::FileKind;

    #[test]
    fn acceptance_is_of_one_upstream_and_can_be_taken_back() {
        let state = tempfile::tempdir().unwrap();
        let acceptances = Acceptances::at(state.path());
        let entry = |command: &str| Entry::parse(&json!({ "command": command }), FileKind::User).unwrap();
        let tool = ToolDefinition {
            name: "t".into(),
            title: None,
            description: None,
            input_schema: Some(json!({"type": "object", "properties": {"n": {"maximum": 1.5}}}).into()),
            output_schema: None,
            annotations: Default::default(),
        };
        let listing = Listing { tools: vec![tool.into()], ..Listing::default() };
        assert_eq!(acceptances.pins("a", &entry("x")), None);
        acceptances.accept("a", &entry("x"), &listing).unwrap();
        assert_eq!(acceptances.pins("a", &entry("x")), Some(Pins::of(&listing)));
        assert_eq!(acceptances.pins("a", &entry("y")), None);
        assert_eq!(acceptances.pins("b", &entry("x")), None);
        let mut used = json!({"command": "x", "trust": true});
        used["timeout"] = json!(5);
        let used = Entry::parse(&used, FileKind::User).unwrap();
        assert!(acceptances.pins("a", &used).is_some(), "how it is used is no part of it");
        assert!(
            acceptances.revoke("a", &entry("x")).unwrap() && !acceptances.revoke("a", &entry("x")).unwrap()
        );
        assert_eq!(acceptances.pins("a", &entry("x")), None);
    }
}
