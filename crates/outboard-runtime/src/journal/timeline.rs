//! A run as a person looks at it afterwards: each request with when it was asked, sent and answered, and how much went
//! to and fro. Times are those of the run's clock. It reads a journal and decides nothing.

use serde::Serialize;

use super::Event;
use crate::{
    clock::RunTime,
    ids::RequestId,
    ports::engine::{Delivered, GuestAsk, GuestRequest, ProgramPosition, Reply},
    present::estimate_tokens,
    reply::FailureCode,
};

/// One request of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its number.
    pub request: RequestId,
    /// `namespace.tool`, or what was asked of Outboard itself: `tools.search` for example.
    pub what: String,
    /// Where in the program it was made.
    #[serde(skip)]
    pub position: Option<ProgramPosition>,
    /// When the script made it.
    pub asked: RunTime,
    /// When it was sent, if it was; of one that was sent again, the last time.
    pub sent: Option<RunTime>,
    /// When the script got the answer, if it did.
    pub answered: Option<RunTime>,
    /// Bytes of its arguments.
    pub arguments: usize,
    /// Bytes of its answer.
    pub answer: usize,
    /// What the answer would have cost a model to read, estimated.
    pub tokens: usize,
    /// How it ended.
    pub outcome: StepOutcome,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// With a value.
    Value,
    /// Without one.
    Failed(FailureCode),
    /// The script gave it up, or ended before the answer.
    Abandoned,
    /// It was sent, and no answer is recorded: its effect is unknown.
    Unknown,
    /// It has no answer yet.
    Open,
}

/// The requests of a run, in the order in which they were made.
pub fn timeline(events: &[Event]) -> Vec<Step> {
    let (mut steps, mut now) = (Vec::<Step>::new(), RunTime::default());
    for event in events {
        match event {
            Event::Asked(GuestRequest { what: GuestAsk::GiveUp(given_up), .. }) => {
                let given_up = given_up.read::<[RequestId; 1]>();
                if let Some(step) = given_up.ok().and_then(|[request]| find(&mut steps, request)) {
                    step.outcome = StepOutcome::Abandoned;
                }
            }
            Event::Asked(request) => steps.push(Step::asked(request, now)),
            Event::Intended(intent) => {
                if let Some(step) = find(&mut steps, intent.request) {
                    step.sent = Some(intent.at);
                }
            }
            Event::Delivered(delivery) => {
                now = delivery.at;
                if let Delivered::Settled { request, reply } = &delivery.what
                    && let Some(step) = find(&mut steps, *request)
                {
                    step.settle(now, reply);
                }
            }
            Event::Opened(_) | Event::Resumed(_) | Event::Wrote(_) | Event::Ended(_) => {}
        }
    }
    let ended = matches!(events.last(), Some(Event::Ended(_)));
    for step in steps.iter_mut().filter(|step| step.outcome == StepOutcome::Open) {
        step.outcome = match (step.sent.is_some(), ended) {
            (true, _) => StepOutcome::Unknown,
            (false, true) => StepOutcome::Abandoned,
            (false, false) => StepOutcome::Open,
        };
    }
    steps
}

fn find(steps: &mut [Step], request: RequestId) -> Option<&mut Step> {
    // Requests are numbered as they are made.
    let at = steps.binary_search_by_key(&request, |step| step.request).ok()?;
    steps.get_mut(at)
}

impl Step {
    fn asked(request: &GuestRequest, asked: RunTime) -> Self {
        let what = match &request.what {
            GuestAsk::Call { namespace, tool, .. } => format!("{namespace}.{tool}"),
            GuestAsk::Request { namespace, method, .. } if namespace.is_empty() => method.replace('/', "."),
            GuestAsk::Request { namespace, method, .. } => format!("{namespace} {method}"),
            GuestAsk::Search(_) => "tools.search".to_owned(),
            GuestAsk::Describe(_) => "tools.describe".to_owned(),
            GuestAsk::Result(_) | GuestAsk::GiveUp(_) => "results.get".to_owned(),
        };
        Self {
            request: request.id,
            what,
            position: request.position,
            asked,
            sent: None,
            answered: None,
            arguments: request.what.arguments().as_str().len(),
            answer: 0,
            tokens: 0,
            outcome: StepOutcome::Open,
        }
    }

    fn settle(&mut self, at: RunTime, reply: &Reply) {
        self.answered = Some(at);
        (self.answer, self.tokens, self.outcome) = match reply {
            Reply::Value(value) => {
                (value.as_str().len(), estimate_tokens(value.as_str()), StepOutcome::Value)
            }
            Reply::Failed(failure) => {
                (reply.weight(), estimate_tokens(&failure.message), StepOutcome::Failed(failure.code))
            }
        };
    }
}
