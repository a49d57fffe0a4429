//! Reads lines of bounded length from a byte stream. Reading may be given up at any point and taken up again without
//! losing a byte. It does not look into the lines.

use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};

/// Bytes kept of each end of a line that is too long.
const ENDS: usize = 256;

/// One line without its line break.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// All of it.
    Whole(Vec<u8>),
    /// It was longer than allowed; what remains are its ends.
    TooLong {
        /// The first bytes.
        head: Vec<u8>,
        /// The last bytes.
        tail: Vec<u8>,
    },
}

/// The lines of a stream.
pub(super) struct Lines<R> {
    read: BufReader<R>,
    longest: usize,
    line: Vec<u8>,
    /// The head of a line whose middle is being dropped; `line` then holds its last bytes.
    head: Option<Vec<u8>>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(super) fn new(read: R, longest: usize) -> Self {
        Self { read: BufReader::with_capacity(64 << 10, read), longest, line: Vec::new(), head: None }
    }

    /// The next line that is not empty; `None` at the end of input, also when it breaks. A last line without a
    /// line break counts.
    pub(super) async fn next(&mut self) -> Option<Line> {
        loop {
            let available = match self.read.fill_buf().await {
                Ok(available) => available,
                Err(error) => {
                    tracing::warn!(%error, "the client's stream broke");
                    return None;
                }
            };
            // Nothing is awaited between here and `consume`, so that no byte is read twice or lost.
            let at_end = available.is_empty();
            let line_break = available.iter().position(|byte| *byte == b'\n');
            let taken = line_break.unwrap_or(available.len());
            self.line.extend_from_slice(&available[..taken]);
            self.read.consume(taken + usize::from(line_break.is_some()));
            self.shorten();
            if line_break.is_some() || at_end {
                match self.take() {
                    Some(line) => return Some(line),
                    None if at_end => return None,
                    None => {}
                }
            }
        }
    }

    fn shorten(&mut self) {
        if self.head.is_none() && self.line.len() > self.longest {
            self.head = Some(self.line[..ENDS.min(self.line.len())].to_vec());
        }
        if self.head.is_some() && self.line.len() > ENDS {
            self.line.drain(..self.line.len() - ENDS);
            self.line.shrink_to(self.longest.min(64 << 10));
        }
    }

    fn take(&mut self) -> Option<Line> {
        let mut line = std::mem::take(&mut self.line);
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        if let Some(head) = self.head.take() {
            return Some(Line::TooLong { head, tail: line });
        }
        (!line.trim_ascii().is_empty()).then_some(Line::Whole(line))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    async fn all(input: &[u8], longest: usize) -> Vec<Line> {
        let mut lines = Lines::new(input, longest);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn lines_are_whole_or_reduced_to_their_ends() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(all(b"a\r\n\n  \nb\nlast", 100).await, [whole("a"), whole("b"), whole("last")]);
        assert_eq!(all(b"", 100).await, []);
        let long = [&b"{\"id\":7,"[..], &[b'x'; 200_000], b"}\nnext\n"].concat();
        let lines = all(&long, 1_000).await;
        let Line::TooLong { head, tail } = &lines[0] else { panic!("{lines:?}") };
        assert!(
            head.starts_with(b"{\"id\":7,")
                && head.len() == ENDS
                && tail.ends_with(b"xx}")
                && tail.len() == ENDS
        );
        assert_eq!(lines[1], whole("next"));
    }

    #[tokio::test]
    async fn reading_may_be_given_up_and_taken_up_again() {
        let (mut far, near) = tokio::io::duplex(64);
        let mut lines = Lines::new(near, 1_000);
        far.write_all(b"first ha").await.unwrap();
        tokio::select! {
            biased;
            line = lines.next() => panic!("{line:?}"),
            () = tokio::task::yield_now() => {}
        }
        far.write_all(b"lf\n").await.unwrap();
        assert_eq!(lines.next().await, Some(Line::Whole(b"first half".to_vec())));
    }
}
