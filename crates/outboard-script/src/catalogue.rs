//! What preparing a script may know of the tools that it can call, so that mistakes are found before anything runs.
//! It only asks; the answers are the catalogue's. What a script becomes never depends on them.

/// A catalogue as checks see it.
pub trait CatalogueView: Sync {
    /// Whether tools of this namespace can be called.
    fn has_namespace(&self, name: &str) -> bool;
}

/// No tools are known, so nothing is found that takes knowledge of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTools;

impl CatalogueView for NoTools {
    fn has_namespace(&self, _: &str) -> bool {
        false
    }
}
