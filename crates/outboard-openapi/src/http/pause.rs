//! Pauses that servers ask for: `Retry-After` (RFC 9110, 10.2.3) and the rate limits that are in use. While one lasts no
//! further request of ours goes there.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use tokio::time::{Instant, sleep_until};
use url::Origin;

/// Servers whose pauses are remembered.
const SERVERS: usize = 64;
/// Numbers from which a reset is a moment and no time from now.
const MOMENT: f64 = 100_000_000.0;

/// Until when servers are left alone.
#[derive(Debug, Default)]
pub(crate) struct Pauses(Mutex<HashMap<String, Instant>>);

impl Pauses {
    /// Waits until the server may be asked.
    pub(crate) async fn wait(&self, origin: &Origin) {
        loop {
            let until = self.lock().get(&origin.ascii_serialization()).copied();
            match until {
                Some(until) if until > Instant::now() => sleep_until(until).await,
                _ => return,
            }
        }
    }

    /// Leaves the server alone for so long.
    pub(crate) fn ask(&self, origin: &Origin, pause: Duration) {
        let mut all = self.lock();
        let now = Instant::now();
        if all.len() >= SERVERS {
            all.retain(|_, until| *until > now);
        }
        let until = all.entry(origin.ascii_serialization()).or_insert(now);
        *until = (*until).max(now + pause);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pause that an answer asks for.
pub(crate) fn asked_pause(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let busy = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
    let exhausted = ["x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining"]
        .iter()
        .any(|name| text(name) == Some("0"))
        || text("ratelimit").is_some_and(|limit| part(limit, "r").or(part(limit, "remaining")) == Some(0.0));
    let limited = busy || (status == StatusCode::FORBIDDEN && exhausted);
    if let Some(after) = text(RETRY_AFTER.as_str()).filter(|_| limited) {
        return seconds(after).or_else(|| until_date(after));
    }
    if !exhausted {
        return None;
    }
    let reset = ["x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset"]
        .iter()
        .find_map(|name| seconds_or_moment(text(name)?));
    reset.or_else(|| {
        let limit = text("ratelimit")?;
        part(limit, "t")
            .or(part(limit, "reset"))
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    })
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().and_then(|seconds: f64| Duration::try_from_secs_f64(seconds).ok())
}

fn seconds_or_moment(text: &str) -> Option<Duration> {
    let number: f64 = text.parse().ok()?;
    if number < MOMENT {
        return Duration::try_from_secs_f64(number).ok();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    // Some count in thousandths.
    let number = if number > MOMENT * 1e3 { number / 1e3 } else { number };
    Duration::try_from_secs_f64((number - now).max(0.0)).ok()
}

/// A parameter of a structured header: `limit=10, remaining=0, reset=5`, `"default";r=0;t=5`.
fn part(text: &str, name: &str) -> Option<f64> {
    text.split([',', ';'])
        .find_map(|part| part.trim().strip_prefix(name)?.trim().strip_prefix('=')?.trim().parse().ok())
}

/// The time until an HTTP date: `Sun, 06 Nov 1994 08:49:37 GMT`.
fn until_date(text: &str) -> Option<Duration> {
    let rest = text.split_once(", ")?.1.strip_suffix(" GMT")?;
    let mut words = rest.split(' ');
    // Numbers are read as small ones: a server's date must not overflow what is counted from it.
    let small = |text: &str| text.parse::<u8>().ok().map(i64::from);
    let day = small(words.next()?)?;
    let month = words.next()?;
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = i64::try_from(months.iter().position(|known| *known == month)?).ok()? + 1;
    let year = words.next()?.parse::<u16>().ok().map(i64::from)?;
    let clock: Vec<i64> = words.next()?.split(':').filter_map(small).collect();
    let [hour, minute, second] = clock[..] else { return None };
    // Days from the civil calendar, which begins its years in March.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    let moment = u64::try_from(days * 86_400 + hour * 3_600 + minute * 60 + second).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(Duration::from_secs(moment).saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, headers: &[(&'static str, &str)], expected: Option<u64>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let asked = asked_pause(StatusCode::from_u16(status).unwrap(), &map);
        assert_eq!(asked.map(|pause| pause.as_secs()), expected, "{status} {headers:?}");
    }

    #[test]
    fn pauses_are_read_in_every_form() {
        check(429, &[("retry-after", "7")], Some(7));
        check(503, &[("retry-after", "1.5")], Some(1));
        check(200, &[("retry-after", "7")], None);
        check(429, &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], Some(0));
        check(429, &[("retry-after", "Sun, 06 Nov 9000000000000000000 08:49:37 GMT")], None);
        check(429, &[("retry-after", "Sun, 06 Nov 1994 9000000000000000000:49:37 GMT")], None);
        check(429, &[("retry-after", "soon")], None);
        check(429, &[("retry-after", "-4")], None);
        check(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "9")], Some(9));
        check(200, &[("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "9")], None);
        check(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000000000")], Some(0));
        check(403, &[("x-ratelimit-remaining", "0"), ("retry-after", "3")], Some(3));
        check(200, &[("ratelimit", "limit=10, remaining=0, reset=5")], Some(5));
        check(200, &[("ratelimit", "\"default\";r=0;t=6")], Some(6));
        check(429, &[], None);
    }

    #[test]
    fn dates_are_counted_from_the_epoch() {
        let far = until_date("Fri, 01 Jan 2100 00:00:00 GMT").unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert_eq!((far + now).as_secs().abs_diff(4_102_444_800), 0);
    }
}
