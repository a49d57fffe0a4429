//! What commands that use upstreams begin with: the user's places and what is configured here. It starts the upstreams
//! for them, and ends them however the command ends.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use outboard_runtime::catalogue::Member;
use tokio_util::sync::CancellationToken;

use super::{log, signals, variable};
use crate::{
    config::{self, Configuration, Places},
    report::{Failure, USAGE},
    trust::Trust,
    wiring::{self, INSIDE, Purpose, System, Wanted},
};

/// How long work that was told to stop has to say how it ended.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// All of the configuration, or what is wrong with it.
fn whole(
    places: &Places,
    directory: &Path,
    trust: &Trust,
    program: Option<&Path>,
) -> Result<Configuration, Failure> {
    config::load(places, directory, trust, program)
        .map_err(|problem| Failure::could_not(&problem).code(USAGE))
}

/// What holds here.
pub(super) struct Context {
    pub(super) places: Places,
    /// Where the project's files were looked for.
    pub(super) directory: PathBuf,
    /// This program, which does not start itself.
    pub(super) program: Option<PathBuf>,
    pub(super) trust: Trust,
    pub(super) configuration: Configuration,
}

impl Context {
    /// Reads the configuration, and tells a person what of it has no effect. Refuses to start an Outboard within an
    /// Outboard.
    pub(super) fn load() -> Result<Self, Failure> {
        let context = Self::load_quietly()?;
        wiring::tell(&context.configuration, &context.directory);
        Ok(context)
    }

    /// The same for another directory than this one.
    pub(super) fn load_in(directory: PathBuf) -> Result<Self, Failure> {
        let context = Self::loaded(Some(directory), whole)?;
        wiring::tell(&context.configuration, &context.directory);
        Ok(context)
    }

    /// [`Context::load_in`] without saying so.
    pub(super) fn load_quietly_in(directory: PathBuf) -> Result<Self, Failure> {
        Self::loaded(Some(directory), whole)
    }

    /// [`Context::load`] without saying so.
    pub(super) fn load_quietly() -> Result<Self, Failure> {
        Self::loaded(None, whole)
    }

    /// The same with what can be used of the configuration, whatever is wrong with it.
    pub(super) fn examine() -> Result<Self, Failure> {
        Self::loaded(None, |places, directory, trust, program| {
            Ok(config::examine(places, directory, trust, program))
        })
    }

    /// What holds for a user whose directories these variables name, in a directory of theirs.
    pub(super) fn of_other_user(
        directory: &Path,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Failure> {
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        Self::loaded_at(places, directory.to_owned(), whole)
    }

    fn loaded(
        directory: Option<PathBuf>,
        load: impl FnOnce(&Places, &Path, &Trust, Option<&Path>) -> Result<Configuration, Failure>,
    ) -> Result<Self, Failure> {
        let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
        let directory = match directory {
            Some(directory) => directory,
            None => std::env::current_dir().map_err(|error| Failure::could_not(&error))?,
        };
        Self::loaded_at(places, directory, load)
    }

    fn loaded_at(
        places: Places,
        directory: PathBuf,
        load: impl FnOnce(&Places, &Path, &Trust, Option<&Path>) -> Result<Configuration, Failure>,
    ) -> Result<Self, Failure> {
        if variable(INSIDE).is_some() {
            return Err(Failure::new("this Outboard was started by an Outboard")
                .hint("take `outboard` out of the servers that Outboard itself starts")
                .code(USAGE));
        }
        let trust = Trust::load(&places.state).map_err(|error| Failure::could_not(&error))?;
        let program = std::env::current_exe().and_then(std::fs::canonicalize).ok();
        let configuration = load(&places, &directory, &trust, program.as_deref())?;
        Ok(Self { places, directory, program, trust, configuration })
    }

    /// The directory of the project whose files have effect here, if one's have.
    pub(super) fn project(&self) -> Option<PathBuf> {
        let user = self.places.user_file();
        let of_project = self.configuration.upstreams.iter().find(|configured| configured.file != user)?;
        of_project.file.parent().map(Path::to_owned)
    }

    /// Does `work` with a system whose `wanted` upstreams are started; the others start when they are used. A signal
    /// cancels the token: work that does not end soon after is dropped. No upstream is left behind.
    pub(super) async fn with<T>(
        &self,
        wanted: &dyn Fn(&Member) -> bool,
        work: impl AsyncFnOnce(&System, CancellationToken) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.with_as("run", LAST_WORDS, wanted, work).await
    }

    /// [`Context::with`], with its runs recorded as those of another command, and so long for its work to end after a signal.
    pub(super) async fn with_as<T>(
        &self,
        command: &str,
        last_words: Duration,
        wanted: &dyn Fn(&Member) -> bool,
        work: impl AsyncFnOnce(&System, CancellationToken) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        log::to_stderr(log::QUIET);
        let stop = CancellationToken::new();
        let signals = signals::cancel(stop.clone())?;
        let system = System::start(
            &self.configuration,
            &self.places,
            Purpose { command, directory: &self.directory },
            &variable,
            Wanted::Those(wanted),
        )?;
        let done = {
            let mut work = std::pin::pin!(work(&system, stop.clone()));
            tokio::select! {
                biased;
                done = &mut work => done,
                () = stop.cancelled() => {
                    let last = tokio::time::timeout(last_words, work).await;
                    last.unwrap_or_else(|_| Err(Failure::interrupted()))
                }
            }
        };
        system.shutdown().await;
        signals.abort();
        done
    }
}
