//! What a model does in its head on the direct ways: reads pages in its context and sums them up.
//!
//! It reads nothing but the texts that the tools answered with.

use std::{collections::BTreeMap, ops::RangeInclusive};

use outboard_agent::Conversation;
use serde_json::Value;

use super::{Stuck, unreadable};
use crate::{answer::Answer, data::DataChunk};

pub(super) const TOTAL_PAGES: &str = "get_total_pages";
pub(super) const DATA_CHUNK: &str = "get_data_chunk";

/// The number of pages, as `get_total_pages` answered: bare, or wrapped as `{"result": n}`.
pub(super) fn total_pages(conversation: &Conversation) -> Result<u32, Stuck> {
    let (call, answer) =
        conversation.exchanges().find(|(call, _)| call.name == TOTAL_PAGES).ok_or(Stuck::NoResult)?;
    serde_json::from_str::<Value>(&answer.text)
        .ok()
        .filter(|_| !answer.is_error)
        .and_then(|value| value.get("result").unwrap_or(&value).as_u64())
        .and_then(|total| u32::try_from(total).ok())
        .ok_or_else(|| unreadable(&call.name, &answer.text))
}

/// Counts failures, finds the most active users and averages durations over all pages, each of which
/// must be there.
pub(super) fn answer(conversation: &Conversation) -> Result<Answer, Stuck> {
    let pages = pages(conversation)?;
    let total = total_pages(conversation)?;
    if let Some(missing) = (1..=total).find(|page| !pages.contains_key(page)) {
        return Err(Stuck::PageMissing(missing));
    }

    let records = || pages.values().flat_map(|page| &page.records);
    let mut activities = BTreeMap::<&str, u64>::new();
    for record in records() {
        *activities.entry(&record.user_id).or_default() += 1;
    }
    let most = activities.values().max();
    let most_active = activities.iter().filter(|(_, count)| Some(*count) == most);

    let seconds: u64 = records().map(|record| u64::from(record.metadata.duration_seconds)).sum();
    Ok(Answer {
        failures: records().filter(|record| !record.metadata.success).count() as u64,
        most_active: most_active.map(|(user, _)| (*user).to_owned()).collect(),
        average_duration: (seconds as f64 / records().count().max(1) as f64 * 10.0).round() / 10.0,
    })
}

/// Counts failures over these pages, each of which must be there.
pub(super) fn failures(conversation: &Conversation, wanted: RangeInclusive<u32>) -> Result<u64, Stuck> {
    let pages = pages(conversation)?;
    let mut failures = 0;
    for number in wanted {
        let page = pages.get(&number).ok_or(Stuck::PageMissing(number))?;
        failures += page.records.iter().filter(|record| !record.metadata.success).count() as u64;
    }
    Ok(failures)
}

/// A page that was fetched twice counts once. An answer is the page that was asked for, or none.
fn pages(conversation: &Conversation) -> Result<BTreeMap<u32, DataChunk>, Stuck> {
    conversation
        .exchanges()
        .filter(|(call, _)| call.name == DATA_CHUNK)
        .map(|(call, answer)| {
            let chunk = serde_json::from_str::<DataChunk>(&answer.text).ok();
            chunk
                .filter(|chunk| !answer.is_error && call.input["page"] == chunk.page)
                .map(|chunk| (chunk.page, chunk))
                .ok_or_else(|| unreadable(&call.name, &answer.text))
        })
        .collect()
}
