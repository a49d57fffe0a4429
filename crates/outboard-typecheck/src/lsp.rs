//! Messages of the Language Server Protocol over a pair of pipes: a header with a length, then JSON (base protocol of
//! LSP 3.17). What a checker says is bounded and read with care; it knows no method.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

/// Bytes of a message that a checker sends.
const LONGEST: usize = 16 << 20;
/// Bytes of a line of a header, and lines of a header.
const HEADER_LINE: u64 = 1 << 10;
const HEADER_LINES: usize = 16;

/// Writes one message.
pub(crate) async fn write(to: &mut (impl AsyncWrite + Unpin), message: &Value) -> io::Result<()> {
    let text = message.to_string();
    to.write_all(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes()).await?;
    to.flush().await
}

/// Reads one message. Not cancel safe: who gives up on it is done with the pipe.
pub(crate) async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Value> {
    let mut length = None;
    for _ in 0..HEADER_LINES {
        let mut line = String::new();
        (&mut *from).take(HEADER_LINE).read_line(&mut line).await?;
        if line.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end() {
            "" => {
                let length = length.filter(|length| *length <= LONGEST);
                let length =
                    length.ok_or_else(|| io::Error::other("a message without a length that is taken"))?;
                let mut text = vec![0; length];
                from.read_exact(&mut text).await?;
                return serde_json::from_slice(&text).map_err(io::Error::other);
            }
            line => {
                let header = line.split_once(':');
                let (_, value) = header
                    .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                    .unwrap_or_default();
                length = length.or_else(|| value.trim().parse().ok());
            }
        }
    }
    Err(io::Error::other("a header that does not end"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    async fn read_all(text: &str) -> Vec<Result<Value, String>> {
        let mut from = text.as_bytes();
        let mut all = Vec::new();
        loop {
            match read(&mut from).await {
                Ok(message) => all.push(Ok(message)),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return all,
                Err(error) => {
                    all.push(Err(error.to_string()));
                    return all;
                }
            }
        }
    }

    #[tokio::test]
    async fn messages_are_read_as_they_are_written() {
        let mut text = Vec::new();
        for message in [json!({"id": 1}), json!("ü")] {
            write(&mut text, &message).await.unwrap();
        }
        let text = String::from_utf8(text).unwrap();
        assert_eq!(read_all(&text).await, [Ok(json!({"id": 1})), Ok(json!("ü"))]);
    }

    #[tokio::test]
    async fn what_is_no_message_ends_the_conversation() {
        for (text, expected) in [
            ("content-type: x\r\nCONTENT-LENGTH: 2\r\n\r\n{}", vec![Ok(json!({}))]),
            ("Content-Length: 3\r\n\r\n{}", vec![]),
            (
                "Content-Length: 99999999999\r\n\r\n",
                vec![Err("a message without a length that is taken".into())],
            ),
            ("\r\n", vec![Err("a message without a length that is taken".into())]),
            ("Content-Length: -1\r\n\r\n", vec![Err("a message without a length that is taken".into())]),
        ] {
            assert_eq!(read_all(text).await, expected, "{text}");
        }
        let endless = "x: y\r\n".repeat(100);
        assert_eq!(read_all(&endless).await, [Err("a header that does not end".into())]);
        let long = "x".repeat(1 << 20);
        assert_eq!(read_all(&long).await, [Err("a header that does not end".into())]);
    }
}
