//! `outboard add NAME --openapi DOCUMENT`: every operation of an HTTP API as a tool. The document is looked at before
//! anything is written, and a person says where requests and credentials go: what the document says is only proposed.

use std::{collections::BTreeMap, io::IsTerminal as _, path::Path, sync::Arc};

use clap::Args;
use outboard_openapi::{Document, References, Source, examine, load, servers};
use serde_json::{Map, Value, json};
use url::Url;

use super::super::{show, variable};
use crate::{
    config::{Configured, Entry, FileKind, Places},
    report::{self, Failure, USAGE},
    wiring,
};

/// Losses that are told one by one.
const TOLD: usize = 10;

/// Options of an API.
#[derive(Debug, Args)]
#[command(next_help_heading = "An HTTP API")]
pub(super) struct Api {
    /// The API's OpenAPI 3 or Swagger 2 document, a file or a URL
    #[arg(long, value_name = "FILE|URL", conflicts_with = "url")]
    openapi: Option<String>,
    /// Where the API is; requests and credentials go there and nowhere else
    #[arg(long, value_name = "URL", requires = "openapi")]
    base_url: Option<String>,
    /// A further address that the document names for some operations, once for each
    #[arg(long, value_name = "URL", requires = "openapi")]
    server: Vec<String>,
    /// Only operations with this tag, once for each
    #[arg(long, value_name = "TAG", requires = "openapi")]
    tag: Vec<String>,
    /// A namespace for each tag: one entry NAME-TAG for each
    #[arg(long, requires = "openapi", conflicts_with = "tag")]
    by_tag: bool,
    /// What to fill in for one of the document's security schemes, once for each
    #[arg(long, value_name = "SCHEME=VALUE", requires = "openapi")]
    auth: Vec<String>,
    /// Also read the documents that it refers to: those in its own folder and below, or of its own origin; with a value
    /// also those of that folder or origin
    #[arg(long, value_name = "FOLDER|ORIGIN", requires = "openapi", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    references: Option<Vec<String>>,
    /// Let the API's host name lead to a loopback or private address
    #[arg(long, requires = "openapi")]
    private_addresses: bool,
    /// Agree beforehand to the address that the document names
    #[arg(long, requires = "openapi")]
    yes: bool,
}

impl Api {
    /// Whether an API is to be added.
    pub(super) fn is_given(&self) -> bool {
        self.openapi.is_some()
    }

    /// The entries, once the document has been looked at and a person has agreed to the address.
    pub(super) async fn entries(
        &self,
        name: &str,
        headers: &Map<String, Value>,
        surplus: &[&str],
    ) -> Result<Vec<(String, Value)>, Failure> {
        let usage = |what: String, hint: &str| Failure::new(what).hint(hint).code(USAGE);
        if let Some(option) = surplus.first() {
            return Err(usage(
                format!("{option} has no meaning for an API"),
                "leave it out: --openapi says all",
            ));
        }
        let given = self.openapi.as_deref().unwrap_or_default();
        let source = source(given)?;
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let also = self.also()?;
        let asked = self.asked(&also)?;
        let document = load(&source, Some(&places.state.join("openapi")), self.private_addresses, &asked)
            .await
            .map_err(|failure| Failure::could_not(&failure))?;
        let base = self.base(&document, &source)?;
        let mut entry = json!({
            "openapi": match &source {
                Source::File(path) => path.display().to_string(),
                Source::Address(_) => given.to_owned(),
            },
            "baseUrl": base.as_str(),
        });
        let auth = self.auth()?;
        for (key, value) in [
            ("servers", json!(self.server)),
            ("tags", json!(self.tag)),
            ("headers", Value::Object(headers.clone())),
            ("auth", Value::Object(auth.clone())),
        ] {
            if value.as_array().is_none_or(|list| !list.is_empty())
                && value.as_object().is_none_or(|map| !map.is_empty())
            {
                entry[key] = value;
            }
        }
        if self.private_addresses {
            entry["privateAddresses"] = true.into();
        }
        if self.references.is_some() {
            entry["references"] = if also.is_empty() { true.into() } else { also.into() };
        }
        let tags = self.look(name, document, &places, &entry)?;
        if !self.by_tag {
            return Ok(vec![(name.to_owned(), entry)]);
        }
        if let Some(untagged) = tags.get("") {
            let untagged = report::counted(*untagged, "operation");
            report::warn(format_args!("{untagged} without a tag belong to none of these"));
        }
        let mut entries: Vec<(String, Value)> = Vec::new();
        for tag in tags.keys().filter(|tag| !tag.is_empty()) {
            let plain = format!("{name}-{}", plain_name(tag));
            // Tags may differ only in what no name has.
            let (mut called, mut number) = (plain.clone(), 2);
            while entries.iter().any(|(taken, _)| *taken == called) {
                called = format!("{plain}-{number}");
                number += 1;
            }
            entry["tags"] = json!([tag]);
            entries.push((called, entry.clone()));
        }
        Ok(entries)
    }

    /// Folders and origins of further documents: folders by their whole paths.
    fn also(&self) -> Result<Vec<String>, Failure> {
        let given = self.references.iter().flatten().filter(|place| !place.is_empty());
        let whole = |place: &String| match source(place)? {
            Source::Address(url) => Ok(url.to_string()),
            Source::File(path) => Ok(path.display().to_string()),
        };
        given.map(whole).collect()
    }

    /// Which further documents are read.
    fn asked(&self, also: &[String]) -> Result<References, Failure> {
        if self.references.is_none() {
            return Ok(References::Unread);
        }
        let (mut folders, mut origins) = (Vec::new(), Vec::new());
        for place in also {
            match source(place)? {
                Source::Address(url) => origins.push(url),
                Source::File(path) => folders.push(path),
            }
        }
        Ok(References::Near { folders, origins })
    }

    /// Tells what the document gives. What of the entry does not fit it is an error.
    fn look(
        &self,
        name: &str,
        document: Arc<Document>,
        places: &Places,
        entry: &Value,
    ) -> Result<BTreeMap<String, usize>, Failure> {
        let usage = |what: String| Failure::new(what).code(USAGE);
        let parsed = Entry::parse(entry, FileKind::User)
            .map_err(|wrong| usage(format!("the entry: {wrong}")).hint(&wrong.hint))?;
        let configured = Configured { name: name.to_owned(), file: places.user_file(), entry: Ok(parsed) };
        // A variable may be set later; what stands there is not looked at here.
        let later = |name: &str| Some(variable(name).unwrap_or_else(|| format!("{name}:")));
        let reach = wiring::reach_of(&configured, &later, &wiring::sessions(&places.state)).map_err(usage)?;
        let reach = reach.ok_or_else(|| usage("the entry has no document".to_owned()))?;
        let summary = examine(document, &reach).map_err(|what| Failure::new(what).code(USAGE))?;
        report::note(format_args!(
            "{} of the document become tools",
            report::counted(summary.operations, "operation")
        ));
        for loss in summary.losses.iter().take(TOLD) {
            report::warn(format_args!("left out: {}", show::escaped(&loss.to_string())));
        }
        if summary.losses.len() > TOLD {
            report::warn(format_args!("left out: {} more", summary.losses.len() - TOLD));
        }
        for (scheme, wanted) in summary.schemes.iter().take(TOLD).filter(|_| self.auth.is_empty()) {
            report::hint(format_args!(
                "its document can ask for `{0}`: --auth '{0}={wanted}'",
                show::escaped(scheme)
            ));
        }
        Ok(summary.tags)
    }

    /// Where the API is, by a person's word.
    fn base(&self, document: &Document, source: &Source) -> Result<Url, Failure> {
        let read = |text: &str| {
            let base = match source {
                Source::Address(url) => Url::options().base_url(Some(url)).parse(text),
                Source::File(_) => text.parse(),
            };
            base.ok().filter(|url: &Url| matches!(url.scheme(), "http" | "https"))
        };
        if let Some(base) = &self.base_url {
            return read(base).ok_or_else(|| {
                Failure::new(format_args!("`{}` is no URL", show::escaped(base)))
                    .hint("it must begin with http:// or https://")
                    .code(USAGE)
            });
        }
        let Some(named) = servers(document).iter().find_map(|server| read(server)) else {
            return Err(Failure::new("the document does not say where its API is")
                .hint("say it: --base-url https://…")
                .code(USAGE));
        };
        let named_shown = show::escaped(named.as_str());
        if !self.yes && !std::io::stdin().is_terminal() {
            return Err(Failure::new(format_args!(
                "the document says that its API is at {named_shown}, and nobody has agreed to that"
            ))
            .hint(format_args!("--base-url {named_shown} agrees, and so does --yes"))
            .code(USAGE));
        }
        let question = format!(
            "The document says that its API is at {named_shown}. Send requests, and what you configure for it, there?"
        );
        match show::agreed(self.yes, &question)? {
            true => Ok(named),
            false => {
                Err(Failure::new("nobody has said where the API is").hint("say it: --base-url https://…"))
            }
        }
    }

    fn auth(&self) -> Result<Map<String, Value>, Failure> {
        let mut auth = Map::new();
        for pair in &self.auth {
            let Some((scheme, value)) = pair.split_once('=').filter(|(scheme, _)| !scheme.is_empty()) else {
                return Err(Failure::new("--auth must be SCHEME=VALUE")
                    .hint("--auth 'api_key=${API_KEY}', with a name that the document has for one of its schemes")
                    .code(USAGE));
            };
            let value = match value.trim_start().starts_with('{') {
                true => serde_json::from_str(value).map_err(|error| {
                    Failure::new(format_args!("--auth of `{}` is no JSON: {error}", show::escaped(scheme)))
                        .hint("--auth 'oauth={\"flow\": \"authorizationCode\", \"clientId\": \"…\"}'")
                        .code(USAGE)
                })?,
                false => Value::from(value),
            };
            auth.insert(scheme.to_owned(), value);
        }
        Ok(auth)
    }
}

/// A tag as a part of a name.
fn plain_name(tag: &str) -> String {
    tag.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '-' }).take(40).collect()
}

/// A file by its whole path, or an address.
fn source(given: &str) -> Result<Source, Failure> {
    if given.starts_with("http://") || given.starts_with("https://") {
        return Url::parse(given).map(Source::Address).map_err(|error| {
            Failure::new(format_args!("`{}` is no URL: {error}", show::escaped(given))).code(USAGE)
        });
    }
    let path = std::fs::canonicalize(Path::new(given)).map_err(|error| {
        Failure::new(format_args!("could not find {}: {error}", show::escaped(given)))
            .hint("--openapi takes a file or a URL")
            .code(USAGE)
    })?;
    Ok(Source::File(path))
}
