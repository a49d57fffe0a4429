//! The person at the controlling terminal of this process, whatever its streams are redirected to: shows them text and
//! reads lines that they type. It gives no meaning to what is typed. Whoever can type into that terminal is taken for
//! the person.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, IsTerminal as _, Write as _},
    time::Duration,
};

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::output;

/// What comes sooner after a question was typed before it could be read.
const READING: Duration = Duration::from_millis(400);

/// A person at a terminal.
pub(crate) struct Terminal {
    shown: File,
    /// A line that is being typed. A read of a terminal cannot be given up, so it outlives the question that it was begun
    /// for.
    typing: Option<JoinHandle<io::Result<Option<String>>>>,
}

impl Terminal {
    /// The controlling terminal, if this process has one.
    pub(crate) fn find() -> Option<Self> {
        let shown = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
        Some(Self { shown, typing: None })
    }

    /// The controlling terminal, if somebody looks at what this command says there.
    pub(crate) fn beside() -> Option<Self> {
        let looks = io::stderr().is_terminal() || io::stdin().is_terminal();
        Self::find().filter(|_| looks)
    }

    /// Shows text, which is escaped already.
    pub(crate) fn show(&mut self, text: &str) -> io::Result<()> {
        write!(self.shown, "\r\x1b[2K{text}")?;
        self.shown.flush()
    }

    /// Shows text and waits for a line that is typed after it; `None` when the terminal is gone.
    pub(crate) async fn ask(&mut self, text: &str) -> io::Result<Option<String>> {
        let _quiet = output::quiet_progress();
        self.show(text)?;
        let read = Instant::now() + READING;
        loop {
            let line = self.line().await?;
            if line.is_none() || Instant::now() >= read {
                return Ok(line);
            }
            // Typed ahead, and no answer to this.
            sleep_until(read).await;
            self.show(text)?;
        }
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let typing = match &mut self.typing {
            Some(typing) => typing,
            None => {
                let typed = self.shown.try_clone()?;
                self.typing.insert(tokio::task::spawn_blocking(move || {
                    let mut line = String::new();
                    let read = BufReader::with_capacity(1, typed).read_line(&mut line)?;
                    Ok((read > 0).then(|| line.trim().to_owned()))
                }))
            }
        };
        let line = typing.await;
        self.typing = None;
        line.map_err(io::Error::other)?
    }
}
