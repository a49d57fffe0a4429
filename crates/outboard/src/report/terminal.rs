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
        // Of a line that was waited for before, nobody can tell how much of it was typed before.
        let mut begun_before = self.typing.is_some();
        loop {
            let line = self.line().await?;
            if line.is_none() || Instant::now() >= read && !begun_before {
                return Ok(line);
            }
            // Typed ahead, and no answer to this.
            sleep_until(read).await;
            let again = if begun_before {
                "that may have been meant for the question before; once more:\n"
            } else {
                ""
            };
            self.show(&format!("{again}{text}"))?;
            begun_before = false;
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

#[cfg(test)]
mod tests {
    use std::{io::Read as _, os::fd::OwnedFd, os::unix::net::UnixStream};

    use super::*;

    /// A terminal, and the person at it.
    fn terminal() -> (Terminal, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (Terminal { shown: File::from(OwnedFd::from(ours)), typing: None }, theirs)
    }

    /// Waits until this is shown, and then for as long as reading takes.
    async fn reads(person: &UnixStream, text: &'static str) {
        let mut person = person.try_clone().unwrap();
        let shown = tokio::task::spawn_blocking(move || {
            let (mut shown, mut byte) = (String::new(), [0]);
            while !shown.ends_with(text) {
                person.read_exact(&mut byte).unwrap();
                shown.push(char::from(byte[0]));
            }
            shown
        });
        shown.await.unwrap();
        tokio::time::advance(READING).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_that_was_begun_for_one_question_does_not_answer_the_next() {
        let (mut terminal, mut person) = terminal();
        {
            let closed = async {
                reads(&person, "first? ").await;
                (&person).write_all(b"a").unwrap();
            };
            tokio::select! {
                typed = terminal.ask("first? ") => panic!("{typed:?}"),
                () = closed => {}
            }
        }
        let typing = async {
            reads(&person, "second? ").await;
            (&person).write_all(b"\n").unwrap();
            reads(&person, "once more:\nsecond? ").await;
            (&person).write_all(b"d\n").unwrap();
            std::future::pending().await
        };
        let typed = tokio::select! {
            typed = terminal.ask("second? ") => typed,
            never = typing => never,
        };
        assert_eq!(typed.unwrap().as_deref(), Some("d"));
        // What is begun and ended for one question is its answer at once.
        let typing = async {
            reads(&person, "third? ").await;
            person.write_all(b"r\n").unwrap();
        };
        let (typed, ()) = tokio::join!(terminal.ask("third? "), typing);
        assert_eq!(typed.unwrap().as_deref(), Some("r"));
    }
}
