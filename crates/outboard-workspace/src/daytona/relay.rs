//! Carries tool calls between a remote sandbox and a socket here: what a relay in the sandbox tells is fetched and brought over
//! the service's own API. What comes from there is hostile; it reaches nothing but that socket.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
    sync::mpsc,
    task::JoinSet,
    time::sleep,
};

use super::{
    api::{Api, ApiFailed, Told},
    script::quoted,
};

/// The relay, as it is put into the sandbox.
pub(super) const PROGRAM: &str = include_str!("relay.py");
/// Connections that are carried at once.
const LINES: usize = 64;
/// Pieces on their way to one connection here, and to all there.
const PIECES: usize = 64;
const PIECE: usize = 64 << 10;
/// Bytes that are brought at once.
const BROUGHT: usize = 1 << 20;
/// Bytes of what is fetched: what the relay gives at once, in base64.
const FETCHED: usize = 4 << 20;
/// Seconds that the relay takes to tell that there is nothing, and more.
const SECONDS: u64 = 45;
/// Failures in a row after which nothing is carried any more, and the pause after each.
const FAILURES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// A piece of what one connection says; empty at its end.
type Piece = (u64, Vec<u8>);

/// One sandbox's relay.
pub(super) struct Relay {
    pub(super) api: Api,
    pub(super) told: Told,
    /// Where the relay is, and where it is asked, in the sandbox.
    pub(super) program: String,
    pub(super) desk: String,
    /// The socket here.
    pub(super) tools: PathBuf,
}

impl Relay {
    /// Carries until it is dropped, or fails again and again.
    pub(super) async fn carry(self) {
        let (to_sandbox, pieces) = mpsc::channel(PIECES);
        tokio::select! {
            () = self.fetch(to_sandbox) => {}
            () = self.bring(pieces) => {}
        }
        tracing::error!(id = %self.told.id, "programs in a remote sandbox can call no tools any more");
    }

    async fn fetch(&self, to_sandbox: mpsc::Sender<Piece>) {
        let mut lines = HashMap::<u64, mpsc::Sender<Vec<u8>>>::new();
        // They end with this.
        let mut attending = JoinSet::new();
        let line = format!("python3 {} hear {}", quoted(&self.program), quoted(&self.desk));
        let mut failures = 0;
        while failures < FAILURES {
            match self.api.execute(&self.told, &line, SECONDS, FETCHED).await {
                Ok(said) => {
                    failures = 0;
                    lines.retain(|_, line| !line.is_closed());
                    while attending.try_join_next().is_some() {}
                    for (number, data) in said.lines().filter_map(piece) {
                        self.heard(&mut lines, &mut attending, (number, data), &to_sandbox).await;
                    }
                }
                Err(error) => {
                    failures += 1;
                    self.failed(&error).await;
                }
            }
        }
    }

    async fn heard(
        &self,
        lines: &mut HashMap<u64, mpsc::Sender<Vec<u8>>>,
        attending: &mut JoinSet<()>,
        (number, data): Piece,
        to_sandbox: &mpsc::Sender<Piece>,
    ) {
        if data.is_empty() {
            lines.remove(&number);
            return;
        }
        if !lines.contains_key(&number) {
            if lines.len() >= LINES {
                return;
            }
            let Ok(stream) = UnixStream::connect(&self.tools).await else { return };
            let (write, waiting) = mpsc::channel(PIECES);
            attending.spawn(attend(number, stream, waiting, to_sandbox.clone()));
            lines.insert(number, write);
        }
        if let Some(line) = lines.get(&number) {
            // One that is not taken has ended, and says so itself.
            let _ = line.send(data).await;
        }
    }

    async fn bring(&self, mut pieces: mpsc::Receiver<Piece>) {
        let mut number = 0u64;
        while let Some(first) = pieces.recv().await {
            let mut text = row(&first);
            while text.len() < BROUGHT
                && let Ok(next) = pieces.try_recv()
            {
                text.push_str(&row(&next));
            }
            number += 1;
            let path = format!("{}.{number}", self.desk);
            let line =
                format!("python3 {} say {} {}", quoted(&self.program), quoted(&self.desk), quoted(&path));
            let brought = async {
                self.api.upload(&self.told, &path, text.as_bytes()).await?;
                self.api.execute(&self.told, &line, SECONDS, FETCHED).await
            };
            // What may have been brought is not brought twice: a program would take an answer for two.
            if let Err(error) = brought.await {
                self.failed(&error).await;
                return;
            }
        }
    }

    async fn failed(&self, error: &ApiFailed) {
        tracing::warn!(%error, id = %self.told.id, "a tool call of a remote sandbox was not carried");
        sleep(PAUSE).await;
    }
}

/// One connection here, for one there.
async fn attend(
    number: u64,
    stream: UnixStream,
    mut waiting: mpsc::Receiver<Vec<u8>>,
    to_sandbox: mpsc::Sender<Piece>,
) {
    let (mut read, mut write) = stream.into_split();
    let writing = async {
        while let Some(data) = waiting.recv().await {
            if write.write_all(&data).await.is_err() {
                return;
            }
        }
    };
    let reading = async {
        let mut buffer = vec![0; PIECE];
        while let Ok(count @ 1..) = read.read(&mut buffer).await {
            if to_sandbox.send((number, buffer[..count].to_vec())).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = reading => {}
    }
    // Nobody may carry any more.
    let _ = to_sandbox.send((number, Vec::new())).await;
}

fn row((number, data): &Piece) -> String {
    format!("{number} {}\n", STANDARD.encode(data))
}

fn piece(row: &str) -> Option<Piece> {
    let (number, text) = row.trim_end_matches('\n').split_once(' ')?;
    Some((number.parse().ok()?, STANDARD.decode(text).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_piece_is_passed_over() {
        assert_eq!(piece(row(&(7, b"a\n".to_vec())).trim_end_matches('\n')), Some((7, b"a\n".to_vec())));
        assert_eq!(piece("7 "), Some((7, Vec::new())));
        for odd in ["", "7", "x YQ==", "-1 YQ==", "7 !", "Traceback (most recent call last):"] {
            assert_eq!(piece(odd), None, "{odd}");
        }
    }
}
