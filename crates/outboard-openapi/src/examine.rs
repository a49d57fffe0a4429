//! What a person is told of a document before it is used: what it lists, where it says that it is, and which credentials it
//! asks for. Nothing is sent.

use std::{collections::BTreeMap, sync::Arc};

use outboard_runtime::catalogue::Listing;

use crate::{
    api::{Api, Opened},
    document::Document,
    operation::{self, Loss, Scheme},
    spec::Reach,
};

/// A document in figures.
#[derive(Debug)]
pub struct Summary {
    /// Operations that become tools.
    pub operations: usize,
    /// Those that do not.
    pub losses: Vec<Loss>,
    /// Security schemes for which nothing is configured, by name, each with what to configure for it.
    pub schemes: Vec<(String, &'static str)>,
    /// How many operations have each tag as their first; under no name those that have none.
    pub tags: BTreeMap<String, usize>,
}

/// Looks at a document on these terms.
///
/// # Errors
/// What of the terms does not fit it.
pub fn examine(document: impl Into<Arc<Document>>, reach: &Reach) -> Result<Summary, String> {
    let document = document.into();
    let schemes = operation::schemes(&document);
    let open = schemes.into_iter().filter(|(name, _)| !reach.credentials.contains_key(name));
    let schemes = open.filter_map(|(name, scheme)| Some((name, wanted(&scheme)?))).collect();
    let Opened { api, listing, losses } = Api::open(document, reach, 0)?;
    Ok(Summary { operations: listing.tools.len(), losses, schemes, tags: api.tags() })
}

/// What a document lists on these terms, and what of it is lost.
///
/// # Errors
/// What of the terms does not fit it.
pub fn listing(document: impl Into<Arc<Document>>, reach: &Reach) -> Result<(Listing, Vec<Loss>), String> {
    Api::open(document, reach, 0).map(|opened| (opened.listing, opened.losses))
}

fn wanted(scheme: &Scheme) -> Option<&'static str> {
    match scheme {
        Scheme::ApiKey { .. } => Some("${KEY}"),
        Scheme::Basic => Some("${USER}:${PASSWORD}"),
        Scheme::Bearer { code: Some(_), .. } => {
            Some("{\"flow\": \"authorizationCode\", \"clientId\": \"…\"}")
        }
        Scheme::Bearer { .. } => Some("${TOKEN}"),
        Scheme::Other(_) => None,
    }
}
