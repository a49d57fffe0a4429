//! What guests say at a standstill: records, one after another. Numbers are little-endian; a text is its
//! length in 32 bits and UTF-8. `ABI` in `flags.rs` counts the changes. It is hostile input: read with
//! bounds, believed in nothing.

use outboard_runtime::{
    clock::RunTime,
    ids::RequestId,
    json::Json,
    ports::engine::{
        ConsoleLevel, ConsoleLine, Frame, GuestAsk, GuestRequest, ProgramPosition, Thrown, ThrownTool,
    },
    reply::FailureCode,
};
use serde::{
    Deserialize,
    de::{IntoDeserializer, value::StrDeserializer},
};

/// The methods of requests that are no tool calls, by their kinds from 6 on.
const BESIDE: [&str; 5] =
    ["resources/list", "resources/read", "resources/templates/list", "prompts/list", "prompts/get"];

/// Frames of a stack that are reported.
const MAX_FRAMES: usize = 32;

/// What a guest said at a standstill.
#[derive(Debug, Default)]
pub(crate) struct Said {
    pub(crate) requests: Vec<GuestRequest>,
    pub(crate) console: Vec<ConsoleLine>,
    pub(crate) console_dropped: u64,
    pub(crate) standing: Option<Standing>,
}

/// Where the guest says that it stands.
#[derive(Debug)]
pub(crate) enum Standing {
    Waiting(Option<RunTime>),
    /// With a value, which stands elsewhere, or without.
    Finished(bool),
    Threw(Thrown),
    Stuck,
    ValueTooLong,
    /// With a value, which stands in the record, or without.
    Returned(Option<Json>),
}

/// The guest said something that no guest of ours says.
#[derive(Debug, thiserror::Error)]
#[error("read what the guest said")]
pub(crate) struct Garbled;

/// Reads what a guest said and appends it to `said`.
pub(crate) fn read(outbox: &[u8], said: &mut Said) -> Result<(), Garbled> {
    let mut reader = Reader(outbox);
    while !reader.0.is_empty() {
        match reader.u8()? {
            1 => said.requests.push(reader.request()?),
            2 => said.console.push(reader.console_line()?),
            3 => said.console_dropped = said.console_dropped.saturating_add(reader.u64()?),
            10 => {
                let timer = (reader.u8()? != 0, reader.f64()?);
                let due = timer.0.then(|| {
                    RunTime(std::time::Duration::try_from_secs_f64(timer.1 / 1000.0).unwrap_or_default())
                });
                said.standing = Some(Standing::Waiting(due));
            }
            11 => said.standing = Some(Standing::Finished(reader.u8()? != 0)),
            12 => said.standing = Some(Standing::Threw(reader.thrown()?)),
            13 => said.standing = Some(Standing::Stuck),
            14 => said.standing = Some(Standing::ValueTooLong),
            15 => said.standing = Some(Standing::Returned(reader.value()?)),
            _ => return Err(Garbled),
        }
    }
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Garbled> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Garbled)?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u8(&mut self) -> Result<u8, Garbled> {
        self.bytes::<1>().map(|[byte]| byte)
    }

    fn u32(&mut self) -> Result<u32, Garbled> {
        self.bytes().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Garbled> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn f64(&mut self) -> Result<f64, Garbled> {
        self.bytes().map(f64::from_le_bytes)
    }

    /// Lone surrogates, which JavaScript has and UTF-8 has not, come out as U+FFFD.
    fn text(&mut self) -> Result<std::borrow::Cow<'a, str>, Garbled> {
        let length = usize::try_from(self.u32()?).map_err(|_| Garbled)?;
        let (text, rest) = self.0.split_at_checked(length).ok_or(Garbled)?;
        self.0 = rest;
        Ok(String::from_utf8_lossy(text))
    }

    fn request(&mut self) -> Result<GuestRequest, Garbled> {
        let id = RequestId(self.u32()?);
        let kind = self.u8()?;
        let position = ProgramPosition { line: self.u32()?, column: self.u32()? };
        let (namespace, tool, arguments) = (self.text()?, self.text()?, self.text()?);
        let arguments = Json::parse(&*arguments).map_err(|_| Garbled)?;
        let what = match kind {
            0 | 5 => GuestAsk::Call {
                namespace: namespace.into_owned(),
                tool: tool.into_owned(),
                arguments,
                paged: kind == 5,
            },
            1 => GuestAsk::Search(arguments),
            2 => GuestAsk::Describe(arguments),
            3 => GuestAsk::Result(arguments),
            4 => GuestAsk::GiveUp(arguments),
            6..=10 => {
                let method = BESIDE[usize::from(kind - 6)].to_owned();
                GuestAsk::Request { namespace: String::new(), method, arguments }
            }
            _ => return Err(Garbled),
        };
        Ok(GuestRequest { id, what, position: Some(position).filter(|position| position.line > 0) })
    }

    fn value(&mut self) -> Result<Option<Json>, Garbled> {
        match self.u8()? {
            0 => Ok(None),
            _ => Json::parse(&*self.text()?).map(Some).map_err(|_| Garbled),
        }
    }

    fn console_line(&mut self) -> Result<ConsoleLine, Garbled> {
        let level = console_level(self.u8()?).ok_or(Garbled)?;
        Ok(ConsoleLine { level, text: self.text()?.into_owned() })
    }

    fn thrown(&mut self) -> Result<Thrown, Garbled> {
        let (name, message) = (self.text()?.into_owned(), self.text()?.into_owned());
        let tool = match self.u8()? {
            0 => None,
            _ => Some(ThrownTool { name: self.text()?.into_owned(), code: failure_code(&self.text()?) }),
        };
        let frames = self.text()?.lines().filter_map(frame).take(MAX_FRAMES).collect();
        Ok(Thrown { name, message, tool, frames })
    }
}

/// The levels by their numbers.
pub(crate) fn console_level(number: u8) -> Option<ConsoleLevel> {
    Some(match number {
        0 => ConsoleLevel::Log,
        1 => ConsoleLevel::Info,
        2 => ConsoleLevel::Warn,
        3 => ConsoleLevel::Error,
        4 => ConsoleLevel::Debug,
        _ => return None,
    })
}

fn failure_code(text: &str) -> Option<FailureCode> {
    let text: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    FailureCode::deserialize(text).ok()
}

/// One line of a stack, if it is of the script: `    at name (script:3:5)` or `    at script:3:5`.
fn frame(line: &str) -> Option<Frame> {
    let line = line.trim().strip_prefix("at ")?;
    let (function, place) = match line.strip_suffix(')').and_then(|line| line.rsplit_once(" (")) {
        Some((function, place)) => (function, place),
        None => ("", line),
    };
    let (line, column) = place.strip_prefix("script:")?.split_once(':')?;
    let position = ProgramPosition { line: line.parse().ok()?, column: column.parse().ok()? };
    let function = if matches!(function, "<eval>" | "<anonymous>") { "" } else { function };
    Some(Frame { position, function: function.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_frames_of_the_script_are_read() {
        for (line, expected) in [
            ("    at outer (script:3:5)", Some((3, 5, "outer"))),
            ("    at <eval> (script:1:2)", Some((1, 2, ""))),
            ("    at script:4:7", Some((4, 7, ""))),
            ("    at a (script:9:9) (script:1:1)", Some((1, 1, "a (script:9:9)"))),
            ("    at map (native)", None),
            ("    at write (outboard:console.js:3:5)", None),
            ("    at x (script:a:b)", None),
            ("    at x (script:99999999999:1)", None),
            ("", None),
        ] {
            let expected = expected.map(|(line, column, function)| Frame {
                position: ProgramPosition { line, column },
                function: function.into(),
            });
            assert_eq!(frame(line), expected, "{line}");
        }
    }

    #[test]
    fn a_garbled_outbox_is_an_error_and_never_a_panic() {
        let good =
            [&[1u8][..], &7u32.to_le_bytes(), &[0], &[0; 8], &[0; 4], &[0; 4], &2u32.to_le_bytes(), b"{}"]
                .concat();
        let mut said = Said::default();
        read(&good, &mut said).unwrap();
        assert_eq!(said.requests.len(), 1);
        for end in 1..good.len() {
            assert!(read(&good[..end], &mut Said::default()).is_err(), "{end}");
        }
        for (name, bytes) in [
            ("unknown record", vec![99]),
            ("length beyond the end", [&[2u8, 0][..], &u32::MAX.to_le_bytes()].concat()),
            ("a value that is no JSON", [&[15u8, 1][..], &1u32.to_le_bytes(), b"{"].concat()),
            ("unknown level", [&[2u8, 9][..], &0u32.to_le_bytes()].concat()),
            ("arguments that are no JSON", [&good[..good.len() - 1], b"]"].concat()),
        ] {
            assert!(read(&bytes, &mut Said::default()).is_err(), "{name}");
        }
    }
}
