//! What comes after a page: the arguments that differ in the next call. An upstream may say so itself; else the value is
//! looked at for what APIs commonly put there, and only arguments that the tool declares are ever set. It sends nothing.

use serde_json::{Map, Value};

use super::resolve::Target;
use crate::json::Json;

/// Where in a value what is said of pages stands, besides at its top.
const CONTAINERS: [&str; 11] = [
    "meta",
    "metadata",
    "pagination",
    "paging",
    "pageinfo",
    "responsemetadata",
    "links",
    "cursors",
    "next",
    "page",
    "list",
];
/// Names of what leads to the next page, folded.
const NEXT: [&str; 17] = [
    "nextcursor",
    "nextpagetoken",
    "nexttoken",
    "nextpage",
    "nextpagecursor",
    "next",
    "continue",
    "continuation",
    "continuationtoken",
    "endcursor",
    "odatanextlink",
    "nextlink",
    "nexturl",
    "nexthref",
    "nextmarker",
    "nextstart",
    "after",
];
/// Arguments that take it, folded, if none is named like it.
const TAKES: [&str; 13] = [
    "cursor",
    "pagetoken",
    "after",
    "startcursor",
    "pagecursor",
    "nexttoken",
    "continuationtoken",
    "token",
    "marker",
    "startingtoken",
    "startat",
    "start",
    "page",
];
/// Names of whether there is more, of how many pages and of how many items there are.
const MORE: [&str; 5] = ["hasmore", "hasnextpage", "hasnext", "more", "moreavailable"];
const PAGES: [&str; 6] = ["totalpages", "pages", "pagecount", "lastpage", "numpages", "pagestotal"];
const TOTAL: [&str; 6] = ["total", "totalcount", "count", "totalresults", "totalitems", "totalsize"];
const OFFSETS: [&str; 4] = ["offset", "skip", "startindex", "startat"];

/// The value of a page together with the arguments that lead on, `null` if it is the last one.
pub(super) fn page(target: &Target, arguments: &Json, value: &Json, said: Option<Json>) -> Json {
    let given = arguments.to_value();
    let next = match said {
        Some(said) => Some(said.to_value()),
        None => guessed(target, &given, value).map(Value::Object),
    };
    let next = next.filter(|next| leads_on(&given, next)).map_or_else(Json::null, Json::from);
    let text = format!("{{\"value\":{value},\"next\":{next}}}");
    Json::parse(text).unwrap_or_else(|_| Json::null())
}

/// Whether the next call would differ from this one. What leads back to the same page would never end.
fn leads_on(given: &Value, next: &Value) -> bool {
    next.as_object().is_some_and(|next| next.iter().any(|(name, value)| given.get(name) != Some(value)))
}

fn guessed(target: &Target, given: &Value, value: &Json) -> Option<Map<String, Value>> {
    // Only an object says anything, and a long list is not built for nothing.
    if !value.as_str().trim_start().starts_with('{') {
        return None;
    }
    let schema = target.tool.input()?;
    let declared = schema.get("properties")?.as_object()?;
    after(declared, given.as_object()?, &value.to_value())
}

fn after(
    declared: &Map<String, Value>,
    given: &Map<String, Value>,
    value: &Value,
) -> Option<Map<String, Value>> {
    let top = value.as_object()?;
    let inside = top.iter().filter(|(name, _)| CONTAINERS.contains(&folded(name).as_str()));
    let places: Vec<&Map<String, Value>> =
        std::iter::once(top).chain(inside.filter_map(|(_, value)| value.as_object())).collect();
    let find = |names: &[&str]| {
        names.iter().find_map(|wanted| {
            places.iter().find_map(|place| {
                place.iter().find(|(name, value)| folded(name) == *wanted && !is_nothing(value))
            })
        })
    };
    let more = find(&MORE).and_then(|(_, more)| more.as_bool());
    if more == Some(false) {
        return None;
    }
    if let Some((name, cursor)) = find(&NEXT) {
        return by_cursor(declared, &folded(name), cursor);
    }
    let items = top.values().find_map(Value::as_array);
    if more == Some(true)
        && let Some(last) = items.and_then(|items| items.last()?.get("id"))
        && let Some(name) = named(declared, "startingafter")
    {
        return Some(Map::from_iter([(name.clone(), last.clone())]));
    }
    let number = |names: &[&str]| find(names).and_then(|(_, value)| value.as_u64());
    if let Some(name) = named(declared, "page") {
        let current = counted(given, name).or_else(|| number(&["page", "currentpage"])).unwrap_or(1);
        let goes_on = more == Some(true) || number(&PAGES).is_some_and(|pages| current < pages);
        return goes_on.then(|| one(declared, name, current + 1)).flatten();
    }
    let name = OFFSETS.iter().find_map(|offset| named(declared, offset))?;
    let items = u64::try_from(items?.len()).ok().filter(|items| *items > 0)?;
    let reached = counted(given, name).unwrap_or(0) + items;
    let goes_on = more == Some(true) || number(&TOTAL).is_some_and(|total| reached < total);
    goes_on.then(|| one(declared, name, reached)).flatten()
}

/// A number that was given as one, or as a text where the tool declares that.
fn counted(given: &Map<String, Value>, name: &str) -> Option<u64> {
    let value = given.get(name)?;
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// One argument with a number, as the tool declares it.
fn one(declared: &Map<String, Value>, name: &str, number: u64) -> Option<Map<String, Value>> {
    let value = typed(declared.get(name)?, number.to_string())?;
    Some(Map::from_iter([(name.to_owned(), value)]))
}

fn by_cursor(declared: &Map<String, Value>, named_like: &str, cursor: &Value) -> Option<Map<String, Value>> {
    let text = match cursor {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        // `links.next` may say more than its address, `paging.next` has the cursor within.
        Value::Object(link) => match link.get("href").or_else(|| link.get("url")) {
            Some(address) => address.as_str()?.to_owned(),
            None => {
                let leads = |name: &str| NEXT.contains(&folded(name).as_str());
                let (name, cursor) = link.iter().find(|(name, value)| leads(name) && !value.is_object())?;
                return by_cursor(declared, &folded(name), cursor);
            }
        },
        _ => return None,
    };
    if let Some(query) = query_of(&text) {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let known = pairs.filter_map(|(name, value)| {
            let (name, schema) = declared.get_key_value(&*unescaped(name))?;
            Some((name.clone(), typed(schema, unescaped(value))?))
        });
        let next: Map<String, Value> = known.collect();
        return (!next.is_empty()).then_some(next);
    }
    let bare = named_like.strip_prefix("next").unwrap_or(named_like);
    let name = named(declared, named_like)
        .or_else(|| named(declared, bare).filter(|_| !bare.is_empty()))
        .or_else(|| TAKES.iter().find_map(|takes| named(declared, takes)))?;
    Some(Map::from_iter([(name.clone(), typed(declared.get(name)?, text)?)]))
}

/// The query, if a text is an address.
fn query_of(text: &str) -> Option<&str> {
    let is_address =
        text.starts_with("http://") || text.starts_with("https://") || text.starts_with(['/', '?']);
    let query = text.split_once('?').filter(|_| is_address)?.1;
    Some(query.split('#').next().unwrap_or_default())
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let coded = (byte == b'%')
            .then(|| after.get(..2))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match coded.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(decoded) => {
                bytes.push(decoded);
                rest = &after[2..];
            }
            None => {
                bytes.push(if byte == b'+' { b' ' } else { byte });
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A text as the type that an argument has.
fn typed(schema: &Value, text: String) -> Option<Value> {
    let kinds = schema.get("type");
    let is = |kind: &str| {
        kinds.is_some_and(|kinds| {
            kinds == kind || kinds.as_array().is_some_and(|kinds| kinds.iter().any(|one| one == kind))
        })
    };
    if is("string") {
        return Some(text.into());
    }
    if is("integer") || is("number") {
        return serde_json::from_str::<serde_json::Number>(&text).ok().map(Value::Number);
    }
    if is("boolean") {
        return text.parse().ok().map(Value::Bool);
    }
    Some(text.into())
}

fn named<'a>(declared: &'a Map<String, Value>, wanted: &str) -> Option<&'a String> {
    declared.keys().find(|name| folded(name) == wanted)
}

/// A name without case and without what joins words.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_leads_back_to_the_same_page_does_not_lead_on() {
        for (given, next, expected) in [
            (json!({"page": 1}), json!({"page": 2}), true),
            (json!({}), json!({"page": 1}), true),
            (json!({"page": 2, "q": "a"}), json!({"page": 2}), false),
            (json!({"page": 2}), json!({}), false),
        ] {
            assert_eq!(leads_on(&given, &next), expected, "{given} {next}");
        }
    }

    #[test]
    fn what_apis_say_of_the_next_page_becomes_arguments_that_the_tool_has() {
        let text = json!({"type": "string"});
        let number = json!({"type": "integer"});
        for (declared, given, value, expected) in [
            (
                json!({"cursor": text}),
                json!({}),
                json!({"nextCursor": "c2", "items": []}),
                json!({"cursor": "c2"}),
            ),
            (json!({"cursor": text}), json!({}), json!({"nextCursor": null}), json!(null)),
            (json!({"cursor": text}), json!({}), json!({"next_cursor": ""}), json!(null)),
            (json!({"other": text}), json!({}), json!({"nextCursor": "c2"}), json!(null)),
            (json!({"pageToken": text}), json!({}), json!({"nextPageToken": "t"}), json!({"pageToken": "t"})),
            (
                json!({"page_token": text}),
                json!({}),
                json!({"next_page_token": "t"}),
                json!({"page_token": "t"}),
            ),
            (json!({"nextToken": text}), json!({}), json!({"nextToken": "t"}), json!({"nextToken": "t"})),
            (
                json!({"continue": text}),
                json!({}),
                json!({"metadata": {"continue": "x"}}),
                json!({"continue": "x"}),
            ),
            (
                json!({"cursor": text}),
                json!({}),
                json!({"response_metadata": {"next_cursor": "x"}}),
                json!({"cursor": "x"}),
            ),
            (
                json!({"after": text}),
                json!({}),
                json!({"paging": {"next": {"after": "9"}}}),
                json!({"after": "9"}),
            ),
            (
                json!({"after": text}),
                json!({}),
                json!({"pageInfo": {"hasNextPage": true, "endCursor": "e"}}),
                json!({"after": "e"}),
            ),
            (
                json!({"after": text}),
                json!({}),
                json!({"pageInfo": {"hasNextPage": false, "endCursor": "e"}}),
                json!(null),
            ),
            (
                json!({"page": number}),
                json!({}),
                json!({"next": "https://h/x?page=2&evil=1"}),
                json!({"page": 2}),
            ),
            (
                json!({"page": number}),
                json!({}),
                json!({"links": {"next": {"href": "/x?page=3"}}}),
                json!({"page": 3}),
            ),
            (
                json!({"$skip": number}),
                json!({}),
                json!({"@odata.nextLink": "https://h/x?%24skip=10"}),
                json!({"$skip": 10}),
            ),
            (
                json!({"starting_after": text}),
                json!({}),
                json!({"has_more": true, "data": [{"id": "a"}, {"id": "b"}]}),
                json!({"starting_after": "b"}),
            ),
            (
                json!({"starting_after": text}),
                json!({}),
                json!({"has_more": false, "data": [{"id": "a"}]}),
                json!(null),
            ),
            (json!({"page": number}), json!({"page": 2}), json!({"total_pages": 3}), json!({"page": 3})),
            (json!({"page": number}), json!({"page": 3}), json!({"total_pages": 3}), json!(null)),
            (json!({"page": text}), json!({"page": "2"}), json!({"total_pages": 3}), json!({"page": "3"})),
            (
                json!({"offset": text}),
                json!({}),
                json!({"total": 5, "items": [1, 2]}),
                json!({"offset": "2"}),
            ),
            (json!({"page": number}), json!({}), json!({"next_page": 2}), json!({"page": 2})),
            (
                json!({"offset": number}),
                json!({"offset": 2}),
                json!({"total": 5, "items": [1, 2]}),
                json!({"offset": 4}),
            ),
            (json!({"offset": number}), json!({"offset": 4}), json!({"total": 5, "items": [1]}), json!(null)),
            (json!({"offset": number}), json!({}), json!({"total": 5, "items": []}), json!(null)),
            (json!({"page": number}), json!({}), json!([1, 2]), json!(null)),
            (json!({"page": number}), json!({}), json!({"next": {"a": 1}}), json!(null)),
        ] {
            let next = after(declared.as_object().unwrap(), given.as_object().unwrap(), &value);
            assert_eq!(next.map_or(Value::Null, Value::Object), expected, "{declared} {value}");
        }
    }
}
