//! The data that is fetched and aggregated: records computed from their number alone.
//! Upstream, floor and tests know the same formulas, so that every answer can be checked.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::Deserialize;

/// Pages of the small set, and records on each.
pub(crate) const PAGES: u32 = 30;
pub(crate) const PAGE_RECORDS: u32 = 10;
/// Chunks of the large set, and records in each: 14 MB in all.
pub(crate) const CHUNKS: u32 = 10;
pub(crate) const CHUNK_RECORDS: u32 = 10_000;

const ACTIVITIES: [&str; 5] = ["login", "page_view", "api_call", "file_upload", "search"];

/// What becomes of records: what scripts return and the floor works out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Summary {
    pub(crate) records: u64,
    pub(crate) failures: u64,
    pub(crate) seconds: u64,
    pub(crate) by_user: BTreeMap<String, u64>,
}

/// Records `first` up to `first + count`, numbered from 1, as the members of a JSON object.
pub(crate) fn page(first: u32, count: u32) -> String {
    let mut text = String::with_capacity(count as usize * 140 + 16);
    text.push_str(r#"{"records":["#);
    for number in first..first + count {
        if number > first {
            text.push(',');
        }
        push(&mut text, number);
    }
    text.push_str("]}");
    text
}

fn push(text: &mut String, number: u32) {
    let (user, activity) = (user(number), ACTIVITIES[(number % 5) as usize]);
    let minutes = (number - 1) * 11 % (28 * 1440);
    let (day, hour, minute) = (minutes / 1440 + 1, minutes / 60 % 24, minutes % 60);
    let (seconds, success) = (seconds(number), success(number));
    let written = write!(
        text,
        r#"{{"id":{number},"user_id":"user_{user}","activity":"{activity}","timestamp":"2026-01-{day:02}T{hour:02}:{minute:02}:00Z","metadata":{{"duration_seconds":{seconds},"success":{success}}}}}"#
    );
    written.expect("a text takes all that is written");
}

fn user(number: u32) -> u32 {
    number % 7 + 1
}

fn seconds(number: u32) -> u32 {
    number % 120 * 13 % 120 + 10
}

fn success(number: u32) -> bool {
    !number.is_multiple_of(4)
}

/// The right summary of the first `count` records.
pub(crate) fn summary(count: u32) -> Summary {
    let mut all = Summary { records: count.into(), ..Summary::default() };
    for number in 1..=count {
        all.failures += u64::from(!success(number));
        all.seconds += u64::from(seconds(number));
        *all.by_user.entry(format!("user_{}", user(number))).or_default() += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn pages_hold_their_records_in_order() {
        let page: Value = serde_json::from_str(&page(11, 10)).unwrap();
        let expected = json!({
            "id": 12, "user_id": "user_6", "activity": "api_call", "timestamp": "2026-01-01T02:01:00Z",
            "metadata": { "duration_seconds": 46, "success": false }
        });
        assert_eq!(page["records"].as_array().map(Vec::len), Some(10));
        assert_eq!(page["records"][1], expected);
    }

    #[test]
    fn the_large_set_has_the_size_that_its_measure_names() {
        let bytes: usize =
            (0..CHUNKS).map(|chunk| page(chunk * CHUNK_RECORDS + 1, CHUNK_RECORDS).len()).sum();
        assert!((13_500_000..14_500_000).contains(&bytes), "{bytes}");
    }
}
