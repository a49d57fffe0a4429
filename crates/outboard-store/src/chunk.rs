//! Events as they are stored: JSON, compressed where that is worth it, large values apart.
//!
//! Which values stand apart is told beside the events and not in their place, so nothing that a script or an upstream
//! says can be taken for such a reference. A body begins with a byte that says how it is packed; a reader refuses others.

use std::io::Read as _;

use outboard_runtime::{
    journal::{Ending, Event, Slot},
    json::Json,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Bytes of a value that is stored apart.
const LARGE: usize = 4 << 10;
/// Bytes that are worth compressing.
const WORTH: usize = 1 << 10;
/// Compressed bodies are not larger than this when unpacked: a damaged one must not take all memory.
const LARGEST: u64 = 4 << 30;
/// Fast, and about a fifth of JSON remains.
const LEVEL: i32 = 1;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

/// The hash that a value stored apart goes by.
pub(crate) type Hash = [u8; 32];

/// Events ready to be stored.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) body: Vec<u8>,
    /// The values that stand apart, as text.
    pub(crate) large: Vec<(Hash, String)>,
}

/// What is stored cannot be read.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It is not what was written.
    Damaged(String),
    /// The database says so.
    Sql(rusqlite::Error),
    /// A log beside it cannot be read.
    Log(std::io::Error),
}

impl From<rusqlite::Error> for Unreadable {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

#[derive(Serialize)]
struct Written<'a> {
    events: &'a [Event],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    apart: Vec<Apart>,
}

#[derive(Deserialize)]
struct Stored {
    events: Vec<Event>,
    #[serde(default)]
    apart: Vec<Apart>,
}

/// A value that stands apart: index of its event, of its slot there, and its hash.
#[derive(Serialize, Deserialize)]
struct Apart(usize, usize, String);

/// Packs bodies. It keeps what compressing needs from one to the next.
#[derive(Default)]
pub(crate) struct Packer(Option<zstd::bulk::Compressor<'static>>);

impl Packer {
    /// Packs bytes; what cannot be compressed stays as it is.
    pub(crate) fn pack(&mut self, bytes: &[u8]) -> Vec<u8> {
        if bytes.len() >= WORTH {
            if self.0.is_none() {
                self.0 = zstd::bulk::Compressor::new(LEVEL).ok();
            }
            let packed = self.0.as_mut().and_then(|compressor| compressor.compress(bytes).ok());
            if let Some(packed) = packed.filter(|packed| packed.len() < bytes.len()) {
                return tagged(ZSTD, &packed);
            }
        }
        tagged(PLAIN, bytes)
    }

    /// Makes events ready to be stored.
    pub(crate) fn chunk(&mut self, mut events: Vec<Event>) -> Result<Chunk, serde_json::Error> {
        let (mut large, mut apart) = (Vec::new(), Vec::new());
        for (at, event) in events.iter_mut().enumerate() {
            for (slot, value) in event.slots().into_iter().enumerate() {
                let Some(text) = taken_if_large(value) else { continue };
                let hash: Hash = Sha256::digest(text.as_bytes()).into();
                apart.push(Apart(at, slot, hex(&hash)));
                large.push((hash, text));
            }
        }
        let text = serde_json::to_vec(&Written { events: &events, apart })?;
        Ok(Chunk { body: self.pack(&text), large })
    }
}

fn taken_if_large(slot: Slot<'_>) -> Option<String> {
    match slot {
        Slot::Json(value) if value.as_str().len() >= LARGE => {
            let text = value.as_str().to_owned();
            // Not `null`: where there may be no value, that reads as none, and this would belong nowhere.
            *value = Json::from(serde_json::Value::from(0));
            Some(text)
        }
        Slot::Text(text) if text.len() >= LARGE => Some(std::mem::take(text)),
        Slot::Json(_) | Slot::Text(_) => None,
    }
}

/// Reads stored events; `find` gives the packed body of a value that stands apart.
pub(crate) fn events(
    body: &[u8],
    find: &mut dyn FnMut(&[u8]) -> rusqlite::Result<Vec<u8>>,
) -> Result<Vec<Event>, Unreadable> {
    let damaged =
        |what: &dyn std::fmt::Display| Unreadable::Damaged(format!("events cannot be read: {what}"));
    let mut stored: Stored = serde_json::from_slice(&unpack(body)?).map_err(|error| damaged(&error))?;
    for Apart(at, slot, hash) in stored.apart {
        let hash = unhex(&hash).ok_or_else(|| damaged(&"a value has no name"))?;
        let text = String::from_utf8(unpack(&find(&hash)?)?).map_err(|error| damaged(&error))?;
        if Sha256::digest(text.as_bytes())[..] != hash[..] {
            return Err(damaged(&"a value is not the one that was stored"));
        }
        let event = stored.events.get_mut(at).ok_or_else(|| damaged(&"a value belongs nowhere"))?;
        if let Event::Ended(ending @ Ending::Value(None)) = event {
            // Earlier versions wrote `null` there.
            *ending = Ending::Value(Some(Json::null()));
        }
        match event.slots().into_iter().nth(slot) {
            Some(Slot::Json(value)) => *value = Json::parse(text).map_err(|error| damaged(&error))?,
            Some(Slot::Text(words)) => *words = text,
            None => return Err(damaged(&"a value belongs nowhere")),
        }
    }
    Ok(stored.events)
}

fn unpack(body: &[u8]) -> Result<Vec<u8>, Unreadable> {
    match body.split_first() {
        Some((&PLAIN, bytes)) => Ok(bytes.to_vec()),
        Some((&ZSTD, packed)) => {
            let mut bytes = Vec::new();
            let unpacked = zstd::stream::read::Decoder::new(packed)
                .and_then(|decoder| decoder.take(LARGEST).read_to_end(&mut bytes));
            unpacked.map_err(|error| Unreadable::Damaged(format!("a body cannot be unpacked: {error}")))?;
            Ok(bytes)
        }
        _ => Err(Unreadable::Damaged("a body is packed in a way that this version does not know".to_owned())),
    }
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(bytes.len() + 1);
    body.push(tag);
    body.extend_from_slice(bytes);
    body
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair.get(1)?).ok()).collect()
}

#[cfg(test)]
mod tests {
    use outboard_runtime::{
        clock::RunTime,
        ids::RequestId,
        ports::engine::{Delivered, Delivery, Reply},
    };

    use super::*;

    fn delivered(value: &Json) -> Event {
        let what = Delivered::Settled { request: RequestId(1), reply: Reply::Value(value.clone()) };
        Event::Delivered(Delivery { at: RunTime::default(), what })
    }

    fn round_trip(given: &[Event]) -> (Chunk, Vec<Event>) {
        let chunk = Packer::default().chunk(given.to_vec()).unwrap();
        let large: Vec<_> =
            chunk.large.iter().map(|(hash, text)| (*hash, Packer::default().pack(text.as_bytes()))).collect();
        let mut find = |hash: &[u8]| {
            let found = large.iter().find(|(known, _)| known[..] == *hash);
            found.map(|(_, body)| body.clone()).ok_or(rusqlite::Error::QueryReturnedNoRows)
        };
        let read = events(&chunk.body, &mut find).unwrap();
        (chunk, read)
    }

    #[test]
    fn events_come_back_as_they_were_and_large_values_stand_apart() {
        let large = Json::string(&"ab".repeat(LARGE));
        let forged = Json::parse(r#"{"apart":[[0,0,"00"]],"events":[]}"#).unwrap();
        let given = [delivered(&large), delivered(&forged), delivered(&Json::null()), delivered(&large)];
        let (chunk, read) = round_trip(&given);
        assert_eq!(read, given);
        assert_eq!(chunk.large.len(), 2);
        assert_eq!(chunk.large[0].0, chunk.large[1].0, "the same value has the same name");
        assert!(chunk.body.len() < 1_000, "{}", chunk.body.len());
    }

    #[test]
    fn a_large_value_of_a_run_comes_back_also_as_earlier_versions_wrote_it() {
        let given = [Event::Ended(Ending::Value(Some(Json::string(&"ab".repeat(LARGE)))))];
        let (chunk, read) = round_trip(&given);
        assert_eq!(read, given);
        let text = String::from_utf8(unpack(&chunk.body).unwrap()).unwrap();
        let earlier = text.replace(r#""value":0"#, r#""value":null"#);
        assert_ne!(earlier, text);
        let mut find = |_: &[u8]| Ok(Packer::default().pack(chunk.large[0].1.as_bytes()));
        assert_eq!(events(&tagged(PLAIN, earlier.as_bytes()), &mut find).unwrap(), given);
    }

    #[test]
    fn what_is_damaged_is_refused() {
        let chunk = Packer::default().chunk(vec![delivered(&Json::string(&"x".repeat(LARGE)))]).unwrap();
        let mut other = |_: &[u8]| Ok(Packer::default().pack(b"\"y\""));
        for body in [
            &[][..],
            &[7],
            &[PLAIN, b'{'],
            &[ZSTD, 1, 2, 3],
            &chunk.body[..chunk.body.len() - 1],
            &chunk.body,
        ] {
            assert!(matches!(events(body, &mut other), Err(Unreadable::Damaged(_))), "{body:?}");
        }
    }
}
