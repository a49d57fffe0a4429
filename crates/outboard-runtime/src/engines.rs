//! An engine for each language that scripts are written in. That of Python may be loaded when it is first used.
//! It starts no guests: the engines do.

use std::{fmt, sync::Arc};

use outboard_script::Language;
use tokio::sync::OnceCell;

use crate::ports::engine::{Engine, EngineRefused};

/// The engines of a runtime. Cloning shares them.
#[derive(Clone)]
pub struct Engines {
    typescript: Arc<dyn Engine>,
    python: Option<Arc<Python>>,
}

struct Python {
    loaded: OnceCell<Arc<dyn Engine>>,
    load: Arc<Load>,
}

type Load = dyn Fn() -> Result<Arc<dyn Engine>, EngineRefused> + Send + Sync;

impl Engines {
    /// Runs TypeScript only.
    pub fn new(typescript: Arc<dyn Engine>) -> Self {
        Self { typescript, python: None }
    }

    /// Runs Python too, by an engine that is made when it is first needed, on a thread that may block. One that
    /// could not be made is tried again for the next run.
    #[must_use]
    pub fn with_python(
        self,
        load: impl Fn() -> Result<Arc<dyn Engine>, EngineRefused> + Send + Sync + 'static,
    ) -> Self {
        Self { python: Some(Arc::new(Python { loaded: OnceCell::new(), load: Arc::new(load) })), ..self }
    }

    /// Whether scripts of this language can be run.
    pub fn has(&self, language: Language) -> bool {
        language == Language::TypeScript || self.python.is_some()
    }

    /// The engine of a language, loaded if it was not yet.
    pub async fn of(&self, language: Language) -> Result<Arc<dyn Engine>, EngineRefused> {
        let python = match language {
            Language::TypeScript => return Ok(Arc::clone(&self.typescript)),
            Language::Python => self.python.as_ref().ok_or_else(|| EngineRefused {
                reason: "there is no Python in this build; write the script in TypeScript".to_owned(),
            })?,
        };
        let load = Arc::clone(&python.load);
        let loaded = python.loaded.get_or_try_init(|| async move {
            tokio::task::spawn_blocking(move || load())
                .await
                .unwrap_or_else(|error| Err(EngineRefused { reason: format!("loading it broke: {error}") }))
        });
        loaded.await.cloned()
    }
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engines").field("python", &self.python.is_some()).finish_non_exhaustive()
    }
}
