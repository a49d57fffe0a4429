//! Checks a script's types with the checkers that the machine has: `tsc` (npm `typescript` 7) and `ty`.
//!
//! Each is one warm process that is asked over the Language Server Protocol. It sees the text of a script and the
//! declarations of tools, has an empty environment and a folder of its own, and follows no import to a file. It has no
//! say in what a script may do: it finds mistakes.

mod find;
mod lsp;
mod process;
mod worker;
mod world;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use outboard_runtime::{
    Language,
    ports::types::{TypeChecker, TypeMistake, Typed, Unchecked},
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use tokio_util::sync::CancellationToken;

pub use find::{Program, find};
use worker::{Question, Worker};

/// Questions that wait for one checker; a further one is not asked.
const WAITING: usize = 64;

/// Bounds on checkers.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// One check from asking to the answer, the start of the checker included. One that takes longer ends it.
    pub check: Duration,
    /// Without a question for so long, a checker is ended; the next question starts it again.
    pub idle: Duration,
    /// Bytes of memory of its own, where the system can limit that of another process (Linux).
    pub memory: u64,
    /// Bytes of a text; longer ones are not checked.
    pub text: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            check: Duration::from_secs(10),
            idle: Duration::from_secs(600),
            memory: 1 << 30,
            text: 1 << 20,
        }
    }
}

/// The checkers of this machine. Nothing is started before the first question or [`warm`](Self::warm).
pub struct Checkers {
    workers: HashMap<Language, Handle>,
    stop: CancellationToken,
}

struct Handle {
    questions: mpsc::Sender<Question>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Checkers {
    /// Checkers that are started as these programs, each with a folder of its own below `folder`. Needs a Tokio runtime.
    pub fn new(programs: Vec<Program>, folder: &Path, bounds: Bounds) -> Self {
        let stop = CancellationToken::new();
        let workers = programs.into_iter().map(|program| {
            let (questions, asked) = mpsc::channel(WAITING);
            let language = program.language;
            let worker = Worker::new(program, folder.join(language.as_str()), bounds);
            let task = Mutex::new(Some(tokio::spawn(worker.run(asked, stop.clone()))));
            (language, Handle { questions, task })
        });
        Self { workers: workers.collect(), stop }
    }

    /// Starts the checker of a language and returns what it calls itself.
    ///
    /// # Errors
    /// [`Unchecked`] if there is none, or it does not start.
    pub async fn warm(&self, language: Language) -> Result<String, Unchecked> {
        let (answer, answered) = oneshot::channel();
        self.ask(language, Question::Start { answer }).ok_or_else(|| absent(language))?;
        answered.await.unwrap_or_else(|_| Err(ended(language)))
    }

    /// Has all checkers start, without waiting for them.
    pub fn begin(&self) {
        for handle in self.workers.values() {
            let (answer, _) = oneshot::channel();
            // Where others wait it is started anyway.
            let _ = handle.questions.try_send(Question::Start { answer });
        }
    }

    /// Ends all checkers and waits until none is left.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        for handle in self.workers.values() {
            let task = handle.task.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(task) = task
                && let Err(error) = task.await
            {
                tracing::error!(%error, "the owner of a type checker broke");
            }
        }
    }

    /// Passes a question on; `None` if there is nobody to ask or too many wait.
    fn ask(&self, language: Language, question: Question) -> Option<()> {
        self.workers.get(&language)?.questions.try_send(question).ok()
    }
}

impl TypeChecker for Checkers {
    fn check(&self, typed: Typed) -> BoxFuture<'static, Result<Vec<TypeMistake>, Unchecked>> {
        let language = typed.language;
        let (answer, answered) = oneshot::channel();
        let asked = self.ask(language, Question::Check { typed, answer });
        let known = self.workers.contains_key(&language);
        async move {
            match asked {
                Some(()) => answered.await.unwrap_or_else(|_| Err(ended(language))),
                None if known => {
                    Err(Unchecked { reason: format!("too many scripts wait for {}", name(language)) })
                }
                None => Err(absent(language)),
            }
        }
        .boxed()
    }
}

fn name(language: Language) -> &'static str {
    match language {
        Language::TypeScript => "`tsc`",
        Language::Python => "`ty`",
    }
}

fn absent(language: Language) -> Unchecked {
    let reason = match language {
        Language::TypeScript => {
            "there is no `tsc` of TypeScript 7 on the machine: install it with `npm install -g typescript@7`"
        }
        Language::Python => {
            "there is no `ty` on the machine: install it with `pip install ty` or `uv tool install ty`"
        }
    };
    Unchecked { reason: reason.to_owned() }
}

fn ended(language: Language) -> Unchecked {
    Unchecked { reason: format!("{} has been ended", name(language)) }
}
