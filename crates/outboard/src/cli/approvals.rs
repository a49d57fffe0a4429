//! `outboard approvals`, `approve` and `deny`: questions of this user's Outboards, answered in another terminal. An answer
//! needs a controlling terminal, and a code that is shown only there: a command that is merely run cannot give it.

use std::time::Duration;

use clap::Args;
use outboard_runtime::{
    approval::{self, Medium, Rules as _, Said, Sheet, answer},
    clock::{Clock as _, SystemClock},
    ids::QuestionId,
    journal::StoreFailure,
};
use outboard_store::{Fate, SqliteStore, StoreOptions};
use serde_json::json;
use tokio::time::Instant;

use super::variable;
use crate::{
    asking::{UserRules, folder, load_key},
    config::Places,
    report::{self, Failure, Terminal, USAGE, escaped},
};

/// How long an answer waits to be taken.
const TAKEN: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(200);

/// Options of `outboard approvals`.
#[derive(Debug, Args)]
pub(super) struct Approvals {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Options of `outboard approve`.
#[derive(Debug, Args)]
pub(super) struct Approve {
    /// The question, as `outboard approvals` names it
    id: String,
    /// Allow further calls of this tool in this run too, up to the number shown
    #[arg(long, conflicts_with = "always")]
    in_run: bool,
    /// Let this tool run without asking from now on: writes a rule into your own file
    #[arg(long)]
    always: bool,
}

/// Options of `outboard deny`.
#[derive(Debug, Args)]
pub(super) struct Deny {
    /// The question, as `outboard approvals` names it
    id: String,
}

impl Approvals {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let sheets = open()?.1.questions().await.map_err(|failure| unreadable(&failure))?;
        if self.json {
            return report::json(&json!({ "questions": sheets }));
        }
        if sheets.is_empty() {
            report::line("nothing waits for a person");
        }
        for sheet in &sheets {
            report::line(format_args!("{}  {}", sheet.id, approval::render(sheet, Medium::Terminal)));
            report::line("");
        }
        if !sheets.is_empty() {
            report::hint("outboard approve ID, or outboard deny ID");
        }
        Ok(())
    }
}

impl Approve {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let (said, what) = match (self.in_run, self.always) {
            (true, _) => (Said::InRun, "allow this tool in this run"),
            (_, true) => (Said::Once, "allow it, and this tool for always"),
            _ => (Said::Once, "allow it once"),
        };
        let (places, sheet) = decide(&self.id, said, what).await?;
        if self.always {
            let told = UserRules(places).allow(&sheet).map_err(|why| {
                Failure::new(format_args!("allowed once only: {why}"))
                    .hint("outboard policy allow writes a rule")
            })?;
            report::line(told);
        }
        Ok(())
    }
}

impl Deny {
    pub(super) async fn run(self) -> Result<(), Failure> {
        decide(&self.id, Said::No, "deny it").await.map(drop)
    }
}

/// Shows the question at the terminal, has the code typed, signs the answer and hands it over.
async fn decide(id: &str, said: Said, what: &str) -> Result<(Places, Sheet), Failure> {
    let Some(mut terminal) = Terminal::find() else {
        return Err(Failure::new("answering needs a person at a terminal, and this command has none")
            .hint(format_args!("in a terminal of your own: outboard approve {}", escaped(id)))
            .code(USAGE));
    };
    let (places, store) = open()?;
    let sheet = find(&store, id).await?;
    let code = code()?;
    let text = format!("{}\nTo {what}, type {code}: ", approval::render(&sheet, Medium::Terminal));
    let typed = terminal.ask(&text).await.map_err(|error| Failure::could_not(&error))?;
    if typed.as_deref() != Some(code.as_str()) {
        return Err(Failure::new("nothing was changed: that is not the code"));
    }
    let key = load_key(&places.state).map_err(|problem| Failure::could_not(&problem))?;
    let token = answer(&key, &sheet, said, SystemClock.wall());
    let id = &sheet.id;
    if !store.answer(id, token).await.map_err(|failure| unreadable(&failure))? {
        return Err(not_open(id.as_str()));
    }
    tell(id, fate(&store, id).await.map_err(|failure| unreadable(&failure))?)?;
    Ok((places, sheet))
}

/// What became of the answer, as far as that is known soon.
async fn fate(store: &SqliteStore, id: &QuestionId) -> Result<Fate, StoreFailure> {
    let late = Instant::now() + TAKEN;
    loop {
        let fate = store.fate(id).await?;
        if fate != Fate::Waits || Instant::now() >= late {
            return Ok(fate);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Says what became of an answer; a failure unless it may still count.
fn tell(id: &QuestionId, fate: Fate) -> Result<(), Failure> {
    match fate {
        Fate::Taken => report::line(format_args!("{id}: answered")),
        Fate::Waits => report::line(format_args!(
            "{id}: the answer waits for the Outboard that asked, which has not taken it yet"
        )),
        Fate::Closed => {
            return Err(Failure::new(format_args!(
                "the answer came too late: question {id} was closed meanwhile, and it changed nothing"
            )));
        }
        Fate::Abandoned => {
            return Err(Failure::new(format_args!(
                "the answer changed nothing: the Outboard that asked question {id} has ended"
            ))
            .hint("outboard runs shows what became of its run; one that goes on asks again"));
        }
        Fate::Refused => {
            return Err(Failure::new(
                "the answer was not taken: its time was over, or it is of something else",
            ));
        }
    }
    Ok(())
}

async fn find(store: &SqliteStore, id: &str) -> Result<Sheet, Failure> {
    let sheets = store.questions().await.map_err(|failure| unreadable(&failure))?;
    let found = sheets.into_iter().find(|sheet| sheet.id == QuestionId::from(id.trim()));
    found.ok_or_else(|| not_open(id))
}

fn not_open(id: &str) -> Failure {
    Failure::new(format_args!("no open question is called `{}`: nothing was changed", escaped(id)))
        .hint("outboard approvals shows those that are open")
}

fn unreadable(failure: &StoreFailure) -> Failure {
    Failure::could_not(failure)
}

fn open() -> Result<(Places, SqliteStore), Failure> {
    let places = Places::of_user(variable).map_err(|error| Failure::could_not(&error))?;
    let store = SqliteStore::new(StoreOptions::new(folder(&places.state)));
    let store = store.map_err(|error| Failure::could_not(&error))?;
    Ok((places, store))
}

/// Four digits that nobody knows who does not see them.
fn code() -> Result<String, Failure> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| Failure::new(format_args!("no random code: {error}")))?;
    Ok(format!("{:04}", u32::from_le_bytes(bytes) % 10_000))
}
