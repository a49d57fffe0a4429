//! Messages over a stream of bytes: four bytes of length, one of kind, and a body.
//! A frame that is too long or unknown is an error, never an allocation of what it claims.

use std::io::{self, Read, Write};

/// Bytes of the longest body. Output comes in pieces far smaller; orders and input may be long.
pub const LONGEST: usize = 64 << 20;
/// Bytes before the body.
pub const HEAD: usize = 5;

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// To the launcher: an order, as JSON.
    Order = 1,
    /// From it: the answer, as JSON.
    Answer = 2,
    /// To it: a command, as JSON.
    Run = 3,
    /// To it: all processes are to be ended.
    EndAll = 4,
    /// From it: bytes of standard output.
    Output = 5,
    /// From it: bytes of standard error.
    Errors = 6,
    /// From it: the command has ended, as JSON.
    Ended = 7,
    /// To it: bytes that the next command reads from standard input.
    Input = 8,
}

impl Kind {
    /// The kind of this number.
    pub fn of(number: u8) -> Option<Self> {
        [
            Self::Order,
            Self::Answer,
            Self::Run,
            Self::EndAll,
            Self::Output,
            Self::Errors,
            Self::Ended,
            Self::Input,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == number)
    }
}

/// What was read is no frame of this protocol.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Its length is beyond [`LONGEST`].
    #[error("a message of {0} bytes; the longest has {LONGEST}")]
    TooLong(usize),
    /// Nobody sends this kind.
    #[error("a message of the unknown kind {0}")]
    Unknown(u8),
}

/// The first bytes of a frame with a body of this length.
pub fn head(kind: Kind, length: usize) -> [u8; HEAD] {
    let [a, b, c, d] = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    [a, b, c, d, kind as u8]
}

/// What the first bytes of a frame say: its kind and the length of its body.
///
/// # Errors
/// If they are no head of a frame.
pub fn read_head(head: [u8; HEAD]) -> Result<(Kind, usize), Malformed> {
    let [a, b, c, d, kind] = head;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > LONGEST {
        return Err(Malformed::TooLong(length));
    }
    Ok((Kind::of(kind).ok_or(Malformed::Unknown(kind))?, length))
}

/// Writes one frame.
///
/// # Errors
/// If the stream does not take it, or it is too long.
pub fn write(stream: &mut impl Write, kind: Kind, body: &[u8]) -> io::Result<()> {
    if body.len() > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, Malformed::TooLong(body.len())));
    }
    let mut whole = Vec::with_capacity(HEAD + body.len());
    whole.extend_from_slice(&head(kind, body.len()));
    whole.extend_from_slice(body);
    stream.write_all(&whole)
}

/// Reads one frame; `None` at the end of the stream.
///
/// # Errors
/// If the stream ends within a frame, or what comes is none.
pub fn read(stream: &mut impl Read) -> io::Result<Option<(Kind, Vec<u8>)>> {
    let mut first = [0; HEAD];
    match stream.read(&mut first[..1]) {
        Ok(0) => return Ok(None),
        Ok(_) => stream.read_exact(&mut first[1..])?,
        Err(error) => return Err(error),
    }
    let (kind, length) =
        read_head(first).map_err(|malformed| io::Error::new(io::ErrorKind::InvalidData, malformed))?;
    let mut body = Vec::new();
    stream.take(length as u64).read_to_end(&mut body)?;
    if body.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some((kind, body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written() {
        let mut bytes = Vec::new();
        write(&mut bytes, Kind::Run, b"{}").unwrap();
        write(&mut bytes, Kind::EndAll, b"").unwrap();
        let mut stream = &bytes[..];
        assert_eq!(read(&mut stream).unwrap(), Some((Kind::Run, b"{}".to_vec())));
        assert_eq!(read(&mut stream).unwrap(), Some((Kind::EndAll, Vec::new())));
        assert_eq!(read(&mut stream).unwrap(), None);
    }

    #[test]
    fn what_is_no_frame_is_an_error_and_costs_no_memory() {
        for (bytes, kind) in [
            (&[255, 255, 255, 255, 1][..], io::ErrorKind::InvalidData),
            (&[0, 0, 0, 0, 0], io::ErrorKind::InvalidData),
            (&[0, 0, 0, 0, 99], io::ErrorKind::InvalidData),
            (&[0, 0], io::ErrorKind::UnexpectedEof),
            (&[9, 0, 0, 0, 5, 1], io::ErrorKind::UnexpectedEof),
            (&[0, 0, 0, 4, 5], io::ErrorKind::UnexpectedEof),
        ] {
            let mut stream = bytes;
            assert_eq!(read(&mut stream).unwrap_err().kind(), kind, "{bytes:?}");
        }
        assert!(write(&mut Vec::new(), Kind::Run, &vec![0; LONGEST + 1]).is_err());
    }
}
