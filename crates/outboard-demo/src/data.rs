//! The simulated service's data: 300 user activities, computed from their number alone.
//!
//! The upstream serves these pages; tests compute the right answer from the same formulas. Nothing
//! here is stored, random or taken from a clock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pages that the service has.
pub(crate) const TOTAL_PAGES: u32 = 30;
/// Records on each page.
pub(crate) const PAGE_SIZE: u32 = 10;

const ACTIVITIES: [&str; 5] = ["login", "page_view", "api_call", "file_upload", "search"];
const MINUTES_BETWEEN_RECORDS: u32 = 11;

// Plain comments on the fields, because schemars turns doc comments into schema text that every
// client would pay for.

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct DataChunk {
    pub(crate) page: u32,
    pub(crate) total_pages: u32,
    pub(crate) records: Vec<Record>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Record {
    pub(crate) id: u32,
    pub(crate) user_id: String,
    pub(crate) activity: String,
    // RFC 3339, UTC.
    pub(crate) timestamp: String,
    pub(crate) metadata: Metadata,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Metadata {
    pub(crate) duration_seconds: u32,
    pub(crate) success: bool,
}

/// Page `page`, or nothing when there is no such page.
pub(crate) fn chunk(page: i64) -> Option<DataChunk> {
    let page = u32::try_from(page).ok().filter(|page| (1..=TOTAL_PAGES).contains(page))?;
    let first = (page - 1) * PAGE_SIZE + 1;
    let records = (first..first + PAGE_SIZE).map(record).collect();
    Some(DataChunk { page, total_pages: TOTAL_PAGES, records })
}

/// Record `r`, counted from 1.
fn record(r: u32) -> Record {
    Record {
        id: r,
        user_id: format!("user_{}", r % 7 + 1),
        activity: ACTIVITIES[(r % 5) as usize].to_owned(),
        timestamp: timestamp(r),
        metadata: Metadata { duration_seconds: (13 * r % 120) + 10, success: !r.is_multiple_of(4) },
    }
}

/// One record every eleven minutes from the start of 2026; 300 of them end on the third of January.
fn timestamp(r: u32) -> String {
    let minutes = (r - 1) * MINUTES_BETWEEN_RECORDS;
    let (day, hour, minute) = (minutes / 1440 + 1, minutes / 60 % 24, minutes % 60);
    format!("2026-01-{day:02}T{hour:02}:{minute:02}:00Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_follow_the_formulas() {
        let cases = [
            (1, "user_2", "page_view", "2026-01-01T00:00:00Z", 23, true),
            (4, "user_5", "search", "2026-01-01T00:33:00Z", 62, false),
            (7, "user_1", "api_call", "2026-01-01T01:06:00Z", 101, true),
            (9, "user_3", "search", "2026-01-01T01:28:00Z", 127, true),
            (300, "user_7", "login", "2026-01-03T06:49:00Z", 70, false),
        ];
        for (r, user_id, activity, timestamp, duration_seconds, success) in cases {
            let expected = Record {
                id: r,
                user_id: user_id.into(),
                activity: activity.into(),
                timestamp: timestamp.into(),
                metadata: Metadata { duration_seconds, success },
            };
            assert_eq!(record(r), expected);
        }
    }

    #[test]
    fn pages_hold_every_record_once_and_in_order() {
        let ids: Vec<u32> = (1..=30).flat_map(|page| chunk(page).unwrap().records).map(|r| r.id).collect();
        assert_eq!(ids, (1..=300).collect::<Vec<_>>());
    }

    #[test]
    fn pages_outside_the_range_do_not_exist() {
        for page in [0, 31, -1, i64::MIN, i64::MAX, 1 << 32 | 1] {
            assert_eq!(chunk(page), None, "page {page}");
        }
    }
}
