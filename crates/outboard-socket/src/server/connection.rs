//! One program at the socket: many calls at once, answered as they come to their end. When the program is gone, so are its
//! calls. What it may hold of this process's memory is bounded here.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use outboard_runtime::{
    ids::{Principal, RunId},
    json::Json,
    reply::{FailureCode, ToolFailure},
    run::{ToolOutcome, ToolRequest},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinSet,
};
use tokio_util::{
    codec::{FramedRead, LengthDelimitedCodec, LengthDelimitedCodecError},
    sync::CancellationToken,
};

use super::{
    Service,
    load::{Held, Load},
};
use crate::message::{self, Call, LONGEST_REQUEST, Refused, Request, VERSION};

/// Calls of one program under way at once; further ones are refused.
const MOST_CALLS: usize = 4_096;
/// Bytes of its calls, and of answers that it has not read, from which on further calls are refused.
const MOST_HELD: usize = 256 << 20;
/// Longest name of a namespace or tool that is looked for, in bytes.
const LONGEST_NAME: usize = 4 << 10;
/// Longest greeting, in bytes.
const LONGEST_HELLO: usize = 4 << 10;
/// Answers on their way to the socket.
const WRITING: usize = 64;
/// How long a program has to say what it speaks.
const GREETING: Duration = Duration::from_secs(10);
/// How long a program that is told of the end has to read what became of its calls.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// One program.
pub(super) struct Connection {
    service: Service,
    /// Which program it is, if it is not the session's client itself.
    client: Option<Principal>,
    stop: CancellationToken,
    /// Calls under way by the program's numbers.
    calls: BTreeMap<u64, CancellationToken>,
    /// The numbers of those that may ask a person, by run.
    runs: HashMap<RunId, u64>,
    /// What is held for it.
    load: Arc<Load>,
    /// An answer that found no place on its way to the socket. Until it has one, nothing more is taken from the program: what
    /// it makes of answers is so bounded, whatever it reads.
    unsent: Option<Answer>,
}

/// A call that has come to its end, and whose answer is on its way.
struct Done {
    id: u64,
    run: RunId,
}

/// An answer on its way, and what is held for it; nothing, if that is little.
struct Answer {
    frame: Bytes,
    _held: Option<Held>,
}

type Frames = FramedRead<OwnedReadHalf, LengthDelimitedCodec>;

impl Connection {
    /// What it holds counts for `whole` too.
    pub(super) fn new(
        service: Service,
        client: Option<Principal>,
        stop: CancellationToken,
        whole: &Arc<Load>,
    ) -> Self {
        let load = whole.part(MOST_CALLS, MOST_HELD);
        Self { service, client, stop, calls: BTreeMap::new(), runs: HashMap::new(), load, unsent: None }
    }

    /// Serves the program until it is gone, or said something that makes no sense, or all is to end.
    pub(super) async fn run(mut self, stream: UnixStream) {
        let (input, mut output) = stream.into_split();
        let mut frames = LengthDelimitedCodec::builder().max_frame_length(LONGEST_HELLO).new_read(input);
        let greeted = tokio::select! {
            greeted = tokio::time::timeout(GREETING, greeting(&mut frames)) => greeted.unwrap_or(Err(Refused::NoHello)),
            () = self.stop.cancelled() => return,
        };
        let first = match &greeted {
            Ok(true) => message::welcome(),
            Ok(false) => return,
            Err(refused) => message::refusal(refused),
        };
        // Before any call is made: a program that has not read it knows that none was.
        if output.write_all(&first).await.is_err() || greeted.is_err() {
            return;
        }
        frames.decoder_mut().set_max_frame_length(LONGEST_REQUEST);
        let (answers, waiting) = mpsc::channel(WRITING);
        let mut writer = tokio::spawn(write(output, waiting));
        let mut work = JoinSet::new();
        let refused = self.serve(&mut frames, &answers, &mut work).await;
        self.calls.values().for_each(CancellationToken::cancel);
        let is_gone = refused.is_none() && !self.stop.is_cancelled();
        if is_gone {
            // Nobody reads what is written; the calls end all the same.
            writer.abort();
        }
        let last = async {
            while work.join_next().await.is_some() {}
            if let Some(refused) = &refused {
                tracing::warn!(%refused, "a program was disconnected");
                let _ = answers.send(Answer::plain(message::refusal(refused))).await;
            }
            drop(answers);
            // A program that is still writing reads only afterwards. What it says is not looked at any more.
            let mut input = frames.into_inner();
            tokio::join!(async { drop((&mut writer).await) }, pass_over(&mut input, refused.is_some()));
        };
        // A call that is given up ends by itself; it is only its answer that may find no reader.
        if tokio::time::timeout(LAST_WORDS, last).await.is_err() {
            work.shutdown().await;
            // Nor does the writer outlive the connection, with what it holds.
            writer.abort();
            let _ = writer.await;
        }
    }

    /// Takes what comes. Gives the reason if the program is not to be served any more.
    async fn serve(
        &mut self,
        frames: &mut Frames,
        answers: &mpsc::Sender<Answer>,
        work: &mut JoinSet<Done>,
    ) -> Option<Refused> {
        let approvals = Arc::clone(&self.service.approvals);
        let mut changes = approvals.watch();
        let mut told = Vec::new();
        loop {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return None,
                Some(done) = work.join_next(), if !work.is_empty() => match done {
                    Ok(done) => {
                        self.calls.remove(&done.id);
                        self.runs.remove(&done.run);
                    }
                    Err(error) => {
                        // Which of them it was nobody can tell, so the program must not wait for it.
                        tracing::error!(%error, "a call broke");
                        return Some(Refused::Malformed("a call broke; that is a mistake of Outboard".to_owned()));
                    }
                },
                Ok(()) = changes.changed() => {
                    self.tell_waiting(answers, &mut told);
                }
                place = answers.reserve(), if self.unsent.is_some() => match place {
                    Ok(place) => if let Some(answer) = self.unsent.take() {
                        place.send(answer);
                    },
                    // The writer has ended: nobody reads what is written.
                    Err(_) => return None,
                },
                frame = frames.next(), if self.unsent.is_none() => match frame {
                    None => return None,
                    Some(Err(error)) => return too_long(&error),
                    Some(Ok(frame)) => {
                        if let Err(refused) = self.take(&frame, answers, work) {
                            return Some(refused);
                        }
                    }
                },
            }
        }
    }

    fn take(
        &mut self,
        frame: &BytesMut,
        answers: &mpsc::Sender<Answer>,
        work: &mut JoinSet<Done>,
    ) -> Result<(), Refused> {
        match serde_json::from_slice(frame) {
            Ok(Request::Call(call)) => self.begin(call, frame.len(), answers, work),
            Ok(Request::Cancel { id }) => {
                // One that has just been answered is not there any more.
                if let Some(call) = self.calls.get(&id) {
                    call.cancel();
                }
                Ok(())
            }
            Ok(Request::Hello { .. }) => Err(Refused::Malformed("`hello` comes once".to_owned())),
            Err(error) => Err(Refused::Malformed(error.to_string())),
        }
    }

    fn begin(
        &mut self,
        call: Call<'_>,
        length: usize,
        answers: &mpsc::Sender<Answer>,
        work: &mut JoinSet<Done>,
    ) -> Result<(), Refused> {
        let Call { id, namespace, tool, arguments } = call;
        if self.calls.contains_key(&id) {
            return Err(Refused::Repeated(id));
        }
        if let Some(long) = [&namespace, &tool].into_iter().find(|name| name.len() > LONGEST_NAME) {
            let message = format!("not sent: no namespace or tool has a name of {} bytes", long.len());
            let failure = ToolFailure::new(FailureCode::UnknownTool, message);
            self.unsent = Some(Answer::plain(message::failed(id, "", &failure)));
            return Ok(());
        }
        let called = format!("{namespace}.{tool}");
        let held = match self.load.call(length + called.len()) {
            Ok(held) => held,
            Err(full) => {
                let failure = ToolFailure::new(FailureCode::Limit, format!("not sent: {full}"));
                self.unsent = Some(Answer::plain(message::failed(id, &called, &failure)));
                return Ok(());
            }
        };
        let run = self.service.runtime.next_call();
        let cancel = self.stop.child_token();
        self.calls.insert(id, cancel.clone());
        let answers = answers.clone();
        self.runs.insert(run.clone(), id);
        let (arguments, client) = (Json::from_raw(arguments), self.client.clone());
        let Service { runtime, session, reader, .. } = self.service.clone();
        let request =
            ToolRequest { id: Some(run.clone()), namespace, tool, arguments, client, reader, advances: None };
        work.spawn(async move {
            let started = Instant::now();
            let report = runtime.call(&session, request, cancel).await;
            let answer = match &report.outcome {
                ToolOutcome::Value(value) => {
                    tracing::info!(tool = called, took = ?started.elapsed(), "called");
                    message::value(id, value)
                }
                ToolOutcome::Failed(failure) => {
                    let code = failure.code.as_str();
                    tracing::info!(tool = called, took = ?started.elapsed(), code, "called in vain");
                    message::failed(id, &called, failure)
                }
                ToolOutcome::Cancelled { effect_unknown } => {
                    tracing::info!(tool = called, took = ?started.elapsed(), effect_unknown, "given up");
                    message::failed(id, &called, &message::given_up(*effect_unknown))
                }
            };
            drop(report);
            send(&answers, answer, held).await;
            Done { id, run }
        });
        Ok(())
    }

    /// Tells of calls that have come to wait for a person. Whoever does not read is not told.
    fn tell_waiting(&self, answers: &mpsc::Sender<Answer>, told: &mut Vec<RunId>) {
        told.retain(|run| self.runs.contains_key(run));
        for sheet in self.service.approvals.open() {
            let run = sheet.run();
            if let Some(id) = self.runs.get(run)
                && !told.contains(run)
                && answers.try_send(Answer::plain(message::waiting(*id, sheet.id.as_str()))).is_ok()
            {
                told.push(run.clone());
            }
        }
    }
}

impl Answer {
    /// One that is short.
    fn plain(frame: Bytes) -> Self {
        Self { frame, _held: None }
    }
}

/// Hands an answer to the writer. It counts in the place of its call until it is written.
async fn send(answers: &mpsc::Sender<Answer>, frame: Bytes, mut held: Held) {
    held.become_bytes(frame.len());
    // If nobody takes it, the program is gone.
    let _ = answers.send(Answer { frame, _held: Some(held) }).await;
}

/// Writes answers as they come, several at once where several are there.
async fn write(mut output: OwnedWriteHalf, mut answers: mpsc::Receiver<Answer>) {
    let (mut some, mut together) = (Vec::with_capacity(WRITING), Vec::new());
    while answers.recv_many(&mut some, WRITING).await > 0 {
        let written = match some.as_slice() {
            [one] => output.write_all(&one.frame).await,
            _ => {
                together.clear();
                some.iter().for_each(|answer: &Answer| together.extend_from_slice(&answer.frame));
                let written = output.write_all(&together).await;
                together.shrink_to(1 << 20);
                written
            }
        };
        some.clear();
        if written.is_err() {
            return;
        }
    }
    let _ = output.shutdown().await;
}

/// Reads what a program that is not served any more still says, until it hangs up.
async fn pass_over(input: &mut OwnedReadHalf, wanted: bool) {
    let mut some = [0; 4_096];
    while wanted && input.read(&mut some).await.is_ok_and(|length| length > 0) {}
}

/// Whether the program has said what it speaks, and we do too; not, if it has left again.
async fn greeting(frames: &mut Frames) -> Result<bool, Refused> {
    let frame = match frames.next().await {
        None => return Ok(false),
        Some(Err(error)) => return too_long(&error).map_or(Ok(false), Err),
        Some(Ok(frame)) => frame,
    };
    match serde_json::from_slice(&frame) {
        Ok(Request::Hello { version: VERSION }) => Ok(true),
        Ok(Request::Hello { version }) => Err(Refused::Version(version)),
        Ok(Request::Call(_) | Request::Cancel { .. }) | Err(_) => Err(Refused::NoHello),
    }
}

/// What is wrong with the program, if it is not just gone.
fn too_long(error: &std::io::Error) -> Option<Refused> {
    let is_too_long =
        error.get_ref().is_some_and(|inner| inner.downcast_ref::<LengthDelimitedCodecError>().is_some());
    is_too_long.then_some(Refused::TooLong)
}
