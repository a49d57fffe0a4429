//! The questions that are open in this process, from the moment when a call asks to a person's answer.
//!
//! Calls of one tool in one run that ask at the same time become one question with a list; later ones wait until it has
//! been answered. It tells those who watch it when there is something to show. It shows nothing itself and forgets
//! everything when the process ends.

use std::{
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep_until},
};

use super::{
    Answer, Approver, Rules,
    question::{FORMAT, Question, Scope, Sheet, subject},
    render::{self, Medium},
    token::{self, Approval, BadToken, Claims, Kind, Said, SigningKey},
};
use crate::{
    clock::{Clock, WallTime},
    ids::{Principal, QuestionId, RunId, random_word},
    operation::Operation,
};

/// How long calls gather before a person is shown them.
const GATHER: Duration = Duration::from_millis(30);
/// How long a person has to answer.
const OPEN: Duration = Duration::from_secs(24 * 3_600);
/// Calls that "in this run" allows, unless more are shown at once.
const CALLS: u32 = 5;

/// Whether there is anybody to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those who watch the questions can have them answered, now or later.
    Somebody,
    /// Nobody can be asked: the text says why and what to do.
    Nobody(String),
}

/// There is no such question, or it has been answered: nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("answer question `{id}`: it is not open; it was answered, taken back, or never asked")]
pub struct NotOpen {
    /// The question's name as it was given.
    pub id: String,
}

/// What a client that was handed a question brings back with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The run that asks.
    pub run: RunId,
    /// The question.
    pub question: QuestionId,
    /// On whose behalf it was asked.
    pub principal: Principal,
}

/// The open questions of a process.
pub struct Approvals {
    key: SigningKey,
    /// Signs the answers of other processes of this user.
    shared: OnceLock<SigningKey>,
    clock: Arc<dyn Clock>,
    reach: Reach,
    rules: Option<Arc<dyn Rules>>,
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Calls that ask, by tool and run, and are not shown yet.
    gathering: Vec<Gathering>,
    open: Vec<Open>,
    /// Answers that hold for further calls.
    grants: Vec<Grant>,
    asked: u64,
}

/// A call that asks.
struct Asker {
    number: u64,
    question: Question,
    answer: oneshot::Sender<Answer>,
}

struct Gathering {
    until: Instant,
    askers: Vec<Asker>,
}

struct Open {
    sheet: Arc<Sheet>,
    /// In the order of the sheet; `None` where the call does not ask any more.
    askers: Vec<Option<Asker>>,
}

struct Grant {
    approval: Approval,
    /// What it was given for.
    question: Question,
    left: u32,
    expires: WallTime,
}

impl Approvals {
    /// No questions yet.
    pub fn new(key: SigningKey, clock: Arc<dyn Clock>, reach: Reach) -> Self {
        Self {
            key,
            shared: OnceLock::new(),
            clock,
            reach,
            rules: None,
            state: Mutex::default(),
            changes: watch::Sender::new(0),
        }
    }

    /// Lets people say "always", and writes what they say here.
    pub fn with_rules(mut self, rules: Arc<dyn Rules>) -> Self {
        self.rules = Some(rules);
        self
    }

    /// Believes answers that are signed with this key too. The first such key stays.
    pub fn share(&self, key: SigningKey) {
        // As said: a second one is not taken.
        let _ = self.shared.set(key);
    }

    fn open_token(&self, token: &str) -> Result<Claims, BadToken> {
        let now = self.clock.wall();
        match (self.key.open(token, now), self.shared.get()) {
            (Err(BadToken::Forged), Some(shared)) => shared.open(token, now),
            (opened, _) => opened,
        }
    }

    /// Whether a person can say "always".
    pub fn can_always(&self) -> bool {
        self.rules.is_some()
    }

    /// Counts the changes of what is open.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What is open, oldest first.
    pub fn open(&self) -> Vec<Arc<Sheet>> {
        self.state().open.iter().map(|open| Arc::clone(&open.sheet)).collect()
    }

    /// What is open of one run, oldest first.
    pub fn open_of(&self, run: &RunId) -> Vec<Arc<Sheet>> {
        let mut open = self.open();
        open.retain(|sheet| sheet.run() == run);
        open
    }

    /// Waits until this question is not open any more, whatever came of it.
    pub async fn closed(&self, id: &QuestionId) {
        let mut changes = self.watch();
        while self.find(id).is_some() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Takes a person's answer to a question that they were shown. Who calls this vouches for the person.
    pub fn answer(&self, id: &QuestionId, said: Said) -> Result<(), NotOpen> {
        let sheet = self.find(id).ok_or_else(|| NotOpen { id: id.to_string() })?;
        let token = token::answer(&self.key, &sheet, said, self.clock.wall());
        self.accept(&token).map_err(|_| NotOpen { id: id.to_string() })
    }

    /// Takes a person's "always": writes the rule, and says which and where, or why it could not be written; what was shown
    /// is allowed either way, unless the question was closed while the rule was written.
    pub async fn answer_always(&self, id: &QuestionId) -> Result<String, NotOpen> {
        let sheet = self.find(id).ok_or_else(|| NotOpen { id: id.to_string() })?;
        let written = match self.rules.clone() {
            // It waits for a file and for others who write it.
            Some(rules) => tokio::task::spawn_blocking(move || rules.allow(&sheet))
                .await
                .unwrap_or_else(|error| Err(format!("writing the rule broke: {error}"))),
            None => Err("rules cannot be written here".to_owned()),
        };
        match (written, self.answer(id, Said::Once)) {
            (Ok(told), Ok(())) => Ok(told),
            (Err(why), Ok(())) => Ok(format!("allowed once only: {why}")),
            (Ok(told), Err(_)) => Ok(format!("{told}. The question itself was closed meanwhile")),
            (Err(_), Err(not_open)) => Err(not_open),
        }
    }

    /// Takes an answer that somebody with the key has signed, in another process. One that is forged, stale, or of
    /// something else than what is open changes nothing.
    pub fn accept(&self, token: &str) -> Result<(), BadToken> {
        let claims = self.open_token(token)?;
        let Kind::Answer(said) = claims.kind else { return Err(BadToken::Elsewhere) };
        let mut state = self.state();
        let at = state.open.iter().position(|open| claims.are_of(&open.sheet)).ok_or(BadToken::Elsewhere)?;
        let open = state.open.remove(at);
        state.settle(open, said, token, &claims);
        self.advance(state);
        Ok(())
    }

    /// A token that stands for the question in the hands of a client that is asked, and comes back with its answer.
    pub fn ticket(&self, sheet: &Sheet) -> String {
        self.key.seal(&Claims::of(sheet, Kind::Question, sheet.expires))
    }

    /// What a ticket stands for, whether or not the question is still open. Who brings it must be the principal that was
    /// asked, or have a right to the run.
    pub fn read_ticket(&self, ticket: &str) -> Result<Ticket, BadToken> {
        let Claims { kind, run, question, principal, .. } = self.key.open(ticket, self.clock.wall())?;
        if kind == Kind::Question {
            Ok(Ticket { run, question, principal })
        } else {
            Err(BadToken::Elsewhere)
        }
    }

    fn find(&self, id: &QuestionId) -> Option<Arc<Sheet>> {
        self.state().open.iter().find(|open| open.sheet.id == *id).map(|open| Arc::clone(&open.sheet))
    }

    async fn wait(&self, question: Question) -> Answer {
        if let Reach::Nobody(why) = &self.reach {
            return Answer::Nobody(why.clone());
        }
        if let Err(unshowable) = render::showable(&question) {
            return Answer::Refused(unshowable.to_string());
        }
        let (number, until, answer) = self.join(question);
        let _place = Place { approvals: self, number };
        let given_up = Instant::now() + OPEN;
        tokio::pin!(answer);
        tokio::select! {
            biased;
            answer = &mut answer => return heard(answer),
            () = sleep_until(until) => self.advance(self.state()),
        }
        tokio::select! {
            biased;
            answer = &mut answer => heard(answer),
            () = sleep_until(given_up) => Answer::Nobody("no answer within 24 hours".to_owned()),
        }
    }

    /// Puts a call among those that ask for the same tool.
    fn join(&self, question: Question) -> (u64, Instant, oneshot::Receiver<Answer>) {
        let (tell, answer) = oneshot::channel();
        let mut state = self.state();
        state.asked += 1;
        let number = state.asked;
        let asker = Asker { number, question, answer: tell };
        let at = state.gathering.iter().position(|gathering| gathering.is_for(&asker.question));
        let at = at.unwrap_or_else(|| {
            state.gathering.push(Gathering { until: Instant::now() + GATHER, askers: Vec::new() });
            state.gathering.len() - 1
        });
        state.gathering[at].askers.push(asker);
        (number, state.gathering[at].until, answer)
    }

    /// Opens what has gathered long enough and of whose tool nothing is open in its run, and tells of the change.
    fn advance(&self, mut state: MutexGuard<'_, State>) {
        let (now, wall) = (Instant::now(), self.clock.wall());
        let mut index = 0;
        while index < state.gathering.len() {
            let gathering = &state.gathering[index];
            let busy = || state.open.iter().any(|open| gathering.is_for(open.sheet.first()));
            if gathering.until > now || busy() {
                index += 1;
                continue;
            }
            let mut gathering = state.gathering.remove(index);
            state.serve_granted(&mut gathering.askers, wall);
            if gathering.askers.is_empty() {
                continue;
            }
            let rest = gathering.askers.split_off(showable_together(&gathering.askers));
            state.open.push(Open::of(gathering.askers, wall));
            if !rest.is_empty() {
                state.gathering.push(Gathering { until: now, askers: rest });
            }
        }
        drop(state);
        self.changes.send_modify(|changes| *changes += 1);
    }

    fn leave(&self, number: u64) {
        let mut state = self.state();
        let gone = |asker: &Asker| asker.number == number;
        for gathering in &mut state.gathering {
            gathering.askers.retain(|asker| !gone(asker));
        }
        state.gathering.retain(|gathering| !gathering.askers.is_empty());
        for open in &mut state.open {
            open.askers
                .iter_mut()
                .filter(|asker| asker.as_ref().is_some_and(gone))
                .for_each(|asker| *asker = None);
        }
        let before = state.open.len();
        state.open.retain(|open| open.askers.iter().any(Option::is_some));
        if state.open.len() < before {
            self.advance(state);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Gives its answer to every call of a sheet.
    fn settle(&mut self, open: Open, said: Said, token: &str, claims: &Claims) {
        let approval = |item| Approval {
            token: token.into(),
            item,
            calls: claims.calls,
            nonce: claims.nonce.as_str().into(),
        };
        let mut shown = 0;
        for (item, asker) in open.askers.into_iter().enumerate() {
            let Some(asker) = asker else { continue };
            let answer = match said {
                Said::Once => Answer::Allowed(approval(Some(item))),
                Said::InRun => Answer::Allowed(approval(None)),
                Said::No => Answer::Refused("a person said no".to_owned()),
            };
            shown += 1;
            // A call that does not wait any more takes no answer.
            let _ = asker.answer.send(answer);
        }
        if said == Said::InRun {
            let (question, left) = (open.sheet.first().clone(), claims.calls.saturating_sub(shown));
            self.grants.push(Grant { approval: approval(None), question, left, expires: claims.expires });
        }
    }

    /// Answers those for whom a person has said yes before.
    fn serve_granted(&mut self, askers: &mut Vec<Asker>, now: WallTime) {
        self.grants.retain(|grant| grant.left > 0 && grant.expires > now);
        for asker in std::mem::take(askers) {
            let grant = self
                .grants
                .iter_mut()
                .find(|grant| grant.left > 0 && grant.question.is_like(&asker.question));
            match grant {
                Some(grant) => {
                    grant.left -= 1;
                    // As above.
                    let _ = asker.answer.send(Answer::Allowed(grant.approval.clone()));
                }
                None => askers.push(asker),
            }
        }
    }
}

impl Gathering {
    fn is_for(&self, question: &Question) -> bool {
        self.askers.first().is_some_and(|asker| asker.question.is_like(question))
    }
}

impl Open {
    fn of(askers: Vec<Asker>, now: WallTime) -> Self {
        let questions: Vec<Question> = askers.iter().map(|asker| asker.question.clone()).collect();
        let sheet = Sheet {
            format: FORMAT,
            id: QuestionId::new(random_word(6)),
            calls: CALLS.max(u32::try_from(questions.len()).unwrap_or(u32::MAX)),
            questions,
            expires: WallTime(now.0.saturating_add(OPEN.as_millis() as u64)),
        };
        Self { sheet: Arc::new(sheet), askers: askers.into_iter().map(Some).collect() }
    }
}

impl Approver for Approvals {
    fn ask(&self, question: Question) -> BoxFuture<'_, Answer> {
        Box::pin(self.wait(question))
    }

    fn holds(&self, approval: &Approval, scope: &Scope, operation: &Operation) -> bool {
        let Ok(claims) = self.open_token(&approval.token) else { return false };
        let right_kind = match (claims.kind, approval.item) {
            (Kind::Answer(Said::Once), Some(item)) => {
                claims.digests.get(item) == Some(&scope.digest(operation))
            }
            (Kind::Answer(Said::InRun), None) => {
                claims.subject == subject(operation) && claims.calls == approval.calls
            }
            _ => false,
        };
        right_kind
            && claims.run == scope.run
            && claims.principal == scope.principal
            && *claims.nonce == *approval.nonce
    }
}

/// Takes the question back when a call does not wait any more.
struct Place<'a> {
    approvals: &'a Approvals,
    number: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.approvals.leave(self.number);
    }
}

fn heard(answer: Result<Answer, oneshot::error::RecvError>) -> Answer {
    answer.unwrap_or_else(|_| Answer::Refused("the question was taken back".to_owned()))
}

/// How many of them can be shown on one sheet: at least one.
fn showable_together(askers: &[Asker]) -> usize {
    let mut characters = 0;
    let fits = askers.iter().take_while(|asker| {
        characters += render::size(std::slice::from_ref(&asker.question));
        characters <= Medium::Terminal.shows()
    });
    fits.count().max(1)
}

#[cfg(test)]
pub(super) mod tests;
