//! Splits a stream into lines of bytes, each byte copied and looked at once. A line over the limit
//! costs itself and little memory. It does not read what the lines say.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// How much is kept of either end of a line that is too long.
const KEPT: usize = 1024;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its line break.
    Whole(Vec<u8>),
    /// Longer than the limit: its length and its two ends.
    TooLong { length: usize, head: Vec<u8>, tail: Vec<u8> },
}

pub(crate) struct Lines<R> {
    reader: BufReader<R>,
    limit: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        Self { reader: BufReader::with_capacity(64 << 10, reader), limit }
    }

    /// The next line, or `None` at the end. What the end leaves unfinished is a line too. Not cancel safe.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let mut length = 0;
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                return Ok((length > 0).then(|| finish(line, length, self.limit)));
            }
            let found = memchr::memchr(b'\n', chunk);
            let part = &chunk[..found.unwrap_or(chunk.len())];
            length += part.len();
            append(&mut line, part, length, self.limit);
            let used = part.len() + usize::from(found.is_some());
            self.reader.consume(used);
            if found.is_some() {
                return Ok(Some(finish(line, length, self.limit)));
            }
        }
    }
}

/// Beyond the limit only the two ends are kept, in one buffer.
fn append(line: &mut Vec<u8>, part: &[u8], length: usize, limit: usize) {
    line.extend_from_slice(part);
    if length > limit && line.len() > 2 * KEPT {
        line.drain(KEPT..line.len() - KEPT);
        line.shrink_to(4 * KEPT);
    }
}

fn finish(mut line: Vec<u8>, length: usize, limit: usize) -> Line {
    if length <= limit {
        return Line::Whole(line);
    }
    let tail = line.split_off(line.len().min(KEPT));
    Line::TooLong { length, head: line, tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(input: &[u8], limit: usize) -> Vec<Line> {
        let mut lines = Lines::new(input, limit);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            all.push(line);
        }
        all
    }

    #[tokio::test]
    async fn lines_are_split_and_the_last_needs_no_break() {
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(lines(b"a\n\nbc\nd", 10).await, [whole("a"), whole(""), whole("bc"), whole("d")]);
        assert_eq!(lines(b"", 10).await, []);
    }

    #[tokio::test]
    async fn a_line_over_the_limit_costs_itself_and_keeps_its_ends() {
        let long = format!("HEAD{}TAIL", "x".repeat(1_000_000));
        let input = format!("a\n{long}\nb\n");
        let all = lines(input.as_bytes(), 200_000).await;
        assert_eq!([&all[0], &all[2]], [&Line::Whole(b"a".to_vec()), &Line::Whole(b"b".to_vec())]);
        let Line::TooLong { length, head, tail } = &all[1] else { panic!("{:?}", all[1]) };
        assert_eq!((*length, head.len()), (long.len(), KEPT));
        assert!(head.starts_with(b"HEAD") && tail.ends_with(b"xTAIL"), "both ends are kept");
    }
}
