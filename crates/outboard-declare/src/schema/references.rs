//! Where `$ref`s lead inside one document: pointers, anchors and embedded ids.
//! Indexes the document once, without recursion and within a bound; it never leaves the document.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::warning::{Oddity, quoted};

/// Most values of a document that are looked at for ids and references.
const MOST_VALUES_SEEN: usize = 100_000;

/// The ids and reference targets of one document.
pub(super) struct References<'s> {
    root: &'s Value,
    named: HashMap<&'s str, &'s Value>,
    targets: HashSet<*const Value>,
}

impl<'s> References<'s> {
    pub(super) fn index(root: &'s Value) -> Self {
        let mut index = Self { root, named: HashMap::new(), targets: HashSet::new() };
        let mut wanted = Vec::new();
        let mut open = vec![root];
        let mut seen = 0;
        while let Some(value) = open.pop() {
            seen += 1;
            if seen > MOST_VALUES_SEEN {
                break;
            }
            match value {
                Value::Object(members) => {
                    for keyword in ["$id", "id", "$anchor", "$dynamicAnchor"] {
                        if let Some(Value::String(name)) = members.get(keyword) {
                            index.named.entry(name.trim_end_matches('#')).or_insert(value);
                        }
                    }
                    wanted.extend(reference(value));
                    open.extend(members.values().filter(|inner| inner.is_object() || inner.is_array()));
                }
                Value::Array(items) => {
                    open.extend(items.iter().filter(|inner| inner.is_object() || inner.is_array()));
                }
                _ => {}
            }
        }
        for reference in wanted {
            if let Ok(target) = index.resolve(reference) {
                index.targets.insert(std::ptr::from_ref(target));
            }
        }
        index
    }

    /// Whether some reference leads to exactly this schema.
    pub(super) fn leads_to(&self, schema: &Value) -> bool {
        self.targets.contains(&std::ptr::from_ref(schema))
    }

    pub(super) fn resolve(&self, reference: &str) -> Result<&'s Value, Oddity> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let dangling = || Oddity::DanglingReference { reference: quoted(reference) };
        let document = if base.is_empty() {
            self.root
        } else {
            self.embedded(base).ok_or_else(|| Oddity::RemoteReference { reference: quoted(reference) })?
        };
        if fragment.is_empty() {
            return Ok(document);
        }
        let fragment = percent_decoded(fragment);
        if fragment.starts_with('/') {
            document.pointer(&fragment).or_else(|| self.root.pointer(&fragment)).ok_or_else(dangling)
        } else {
            let anchor = format!("#{fragment}");
            self.named
                .get(fragment.as_str())
                .or_else(|| self.named.get(anchor.as_str()))
                .copied()
                .ok_or_else(dangling)
        }
    }

    /// The subschema whose `$id` is `base`, or ends in it when `base` is relative.
    fn embedded(&self, base: &str) -> Option<&'s Value> {
        let exact = self.named.get(base).copied();
        exact.or_else(|| {
            let ending = format!("/{}", base.trim_start_matches("./").trim_start_matches('/'));
            let relative = !base.contains("://") && !base.starts_with("urn:");
            let mut fitting: Vec<_> =
                self.named.iter().filter(|(id, _)| relative && id.ends_with(&ending)).collect();
            fitting.sort_by_key(|(id, _)| **id);
            fitting.first().map(|(_, schema)| **schema)
        })
    }
}

/// What a schema refers to. The dynamic forms are read as plain ones: within one document they lead to the same
/// place except for extensible schemas, which tools do not use.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    let find = |keyword| schema.get(keyword).and_then(Value::as_str);
    find("$ref").or_else(|| find("$dynamicRef")).or_else(|| find("$recursiveRef"))
}

/// What the end of a reference calls its target: the last step of a pointer that is a name and not a keyword.
pub(super) fn hint(reference: &str) -> String {
    const STEPS: [&str; 10] = [
        "items",
        "anyOf",
        "oneOf",
        "allOf",
        "properties",
        "additionalProperties",
        "prefixItems",
        "$defs",
        "definitions",
        "",
    ];
    let decoded = percent_decoded(reference.rsplit('#').next().unwrap_or_default());
    let decoded = decoded.replace("~1", "/").replace("~0", "~");
    let step = decoded
        .rsplit('/')
        .find(|step| !STEPS.contains(step) && !step.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or_default();
    step.chars().take(100).collect()
}

fn percent_decoded(text: &str) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let pair = digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2)));
        match (byte, pair) {
            (b'%', Some((high, low))) => {
                decoded.push(u8::try_from(high * 16 + low).expect("two hexadecimal digits are a byte"));
                at += 3;
            }
            (byte, _) => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
