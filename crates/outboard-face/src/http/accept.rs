//! Which kinds of answers a client takes, by its `Accept`. Ranges and their weights are read as RFC 9110 (12.5.1) writes them,
//! as far as they can name one of the two kinds.

use hyper::{HeaderMap, header};

/// What a client takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Accepted {
    /// One JSON text.
    pub(super) json: bool,
    /// Events.
    pub(super) events: bool,
}

/// What the client of a request takes. One that does not say takes JSON, as does one that takes anything: tools for a
/// terminal say so, and would wait for the end of a stream.
pub(super) fn accepted(headers: &HeaderMap) -> Accepted {
    if !headers.contains_key(header::ACCEPT) {
        return Accepted { json: true, events: false };
    }
    let mut accepted = Accepted::default();
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|part| {
            part.strip_prefix("q=")
                .is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        });
        match kind.as_str() {
            _ if refused => {}
            "application/json" | "application/*" | "*/*" => accepted.json = true,
            "text/event-stream" => accepted.events = true,
            _ => {}
        }
    }
    accepted
}

/// Whether a body is said to be JSON. What pages may send to anybody without being asked never is.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn a_client_takes_what_it_says() {
        for (accept, json, events) in [
            (None, true, false),
            (Some("application/json, text/event-stream"), true, true),
            (Some("text/event-stream;q=0.9 , APPLICATION/JSON ; q=0.1"), true, true),
            (Some("*/*"), true, false),
            (Some("text/event-stream"), false, true),
            (Some("application/json;q=0, text/event-stream"), false, true),
            (Some("text/*, text/html"), false, false),
            (Some(""), false, false),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(accepted(&headers), Accepted { json, events }, "{accept:?}");
        }
    }

    #[test]
    fn what_a_form_sends_is_no_json() {
        for (kind, json) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(kind))]);
            assert_eq!(is_json(&headers), json, "{kind}");
        }
    }
}
