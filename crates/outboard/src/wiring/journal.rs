//! Where runs are recorded: opens the store that the settings ask for, tells it what must not be recorded, and keeps it
//! within its bounds. It reads no journals.

use std::{path::Path, sync::Arc, time::Duration};

use outboard_runtime::journal::{MemoryStore, Redactor, Store};
use outboard_store::{Durability, Retention, SqliteStore, StoreOptions};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Configuration, Configured, Entry, Places, Survives, Transport, expand, named, secrets},
    report::{self, Failure},
};

/// Between two looks at what is kept.
const UPKEEP: Duration = Duration::from_secs(3_600);

/// The journals of this process.
#[derive(Clone)]
pub(crate) struct Journal {
    pub(crate) store: Arc<dyn Store>,
    /// The same, if it outlives the process.
    pub(crate) kept: Option<Arc<SqliteStore>>,
}

/// For what a store is opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purpose<'a> {
    /// The command that begins runs.
    pub(crate) command: &'a str,
    /// The directory whose configuration holds for them.
    pub(crate) directory: &'a Path,
}

impl Journal {
    /// Opens the store that the settings ask for.
    pub(crate) fn open(
        configuration: &Configuration,
        places: &Places,
        purpose: Purpose<'_>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let durability = match configuration.settings.journal.durability {
            Survives::Nothing => return Ok(Self { store: Arc::new(MemoryStore::new()), kept: None }),
            Survives::Crash => Durability::Crash,
            Survives::Power => Durability::Power,
        };
        let options = StoreOptions {
            command: purpose.command.to_owned(),
            place: purpose.directory.to_string_lossy().into_owned(),
            durability,
            ..StoreOptions::new(folder(places))
        };
        let store = Arc::new(SqliteStore::new(options).map_err(|error| Failure::could_not(&error))?);
        store.redact(redactor(configuration, variable));
        Ok(Self { store: Arc::clone(&store) as _, kept: Some(store) })
    }

    /// Says what `durability = "power"` costs on this disk.
    pub(crate) async fn tell_cost(&self, durability: Survives) {
        let Some(store) = self.kept.as_ref().filter(|_| durability == Survives::Power) else { return };
        match store.cost().await {
            Ok(cost) => report::note(format_args!(
                "journal.durability is \"power\": each call waits for the disk first, about {:.1} ms here",
                cost.as_secs_f64() * 1e3
            )),
            Err(failure) => report::warn(failure),
        }
    }

    /// Removes what is beyond the retention, now and then, until told to stop.
    pub(crate) async fn keep_within_bounds(self, keep: Retention, stop: CancellationToken) {
        let Some(store) = self.kept else { return };
        loop {
            // There is nothing to remove where nothing was ever recorded.
            if store.file().exists() {
                match store.prune(keep).await {
                    Ok(pruned) if pruned.runs > 0 => {
                        tracing::info!(runs = pruned.runs, "old runs are forgotten");
                    }
                    Ok(_) => {}
                    Err(failure) => tracing::warn!(%failure, "old runs are not forgotten"),
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(UPKEEP) => {}
            }
        }
    }

    /// Writes what waits, and gives back what this process holds.
    pub(crate) async fn close(self) {
        let Some(store) = self.kept else { return };
        if let Err(error) = tokio::task::spawn_blocking(move || store.close()).await {
            tracing::error!(%error, "the journal was not closed");
        }
    }
}

/// Where journals are kept.
pub(crate) fn folder(places: &Places) -> std::path::PathBuf {
    places.state.join("journal")
}

/// What must not be recorded: what the user says, and the secrets of all entries.
pub(crate) fn redactor(configuration: &Configuration, variable: &dyn Fn(&str) -> Option<String>) -> Redactor {
    let secrets: Vec<String> =
        configuration.upstreams.iter().flat_map(|configured| secrets_of(configured, variable)).collect();
    let patterns = &configuration.settings.journal.redact;
    Redactor::new(secrets.iter().map(String::as_str), patterns).unwrap_or_else(|problem| {
        // Each was tried when the settings were read.
        tracing::error!(%problem, "the patterns of `journal.redact` cannot be used together");
        Redactor::new(secrets.iter().map(String::as_str), &[]).unwrap_or_default()
    })
}

/// What is likely a secret among the values of an entry, variables expanded.
fn secrets_of(configured: &Configured, variable: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let Ok(Entry { transport, .. }) = &configured.entry else { return Vec::new() };
    let mut named_texts: Vec<(&str, &str)> = Vec::new();
    match transport {
        Transport::Stdio { args, env, .. } => {
            named_texts.extend(env.iter().map(|(name, text)| (name.as_str(), text.as_str())));
            let before = std::iter::once("").chain(args.iter().map(String::as_str));
            named_texts.extend(before.zip(args).map(|(switch, arg)| (switch, arg.as_str())));
        }
        Transport::Http { url, headers } => {
            named_texts.extend(headers.iter().map(|(name, text)| (name.as_str(), text.as_str())));
            named_texts.push(("url", url));
        }
        Transport::OpenApi(api) => {
            named_texts.extend(api.headers.iter().map(|(name, text)| (name.as_str(), text.as_str())));
            // Whatever a scheme is called, what is filled in for it is a secret.
            named_texts.extend(api.auth.values().filter_map(|credential| match credential {
                crate::config::Credential::Text(text) => Some(("secret", text.as_str())),
                crate::config::Credential::Client { secret, .. } => Some(("secret", secret.as_str())),
                crate::config::Credential::Login(login) => Some(("secret", login.secret.as_deref()?)),
            }));
        }
    }
    let mut found = Vec::new();
    for (name, text) in named_texts {
        let variables = named(text).into_iter().filter_map(|name| Some((variable(&name)?, name)));
        found.extend(variables.filter(|(value, name)| secrets::is_one(name, value)).map(|(value, _)| value));
        if let Ok(whole) = expand(text, variable)
            && secrets::is_one(name, &whole)
        {
            // Of `Bearer x` it is `x`.
            found.extend(whole.split_whitespace().last().map(str::to_owned));
            found.push(whole);
        }
    }
    found
}
