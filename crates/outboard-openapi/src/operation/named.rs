//! What operations are called: their ids where they have one of their own, else method and path in words.
//! That names are identifiers of a language is seen to elsewhere.

use std::collections::{HashMap, HashSet};

use super::Outline;

/// Bytes of a name.
const LONGEST: usize = 200;

/// Gives each operation a name that no other has. `name` holds its id so far, if it has one.
pub(super) fn name(operations: &mut [Outline]) {
    let mut counted: HashMap<String, usize> = HashMap::new();
    for operation in operations.iter() {
        *counted.entry(short(operation)).or_default() += 1;
    }
    let mut taken: HashSet<String> = HashSet::new();
    // Of a name that several want, the number that comes next: a document may have it twenty thousand times.
    let mut numbers: HashMap<String, usize> = HashMap::new();
    for operation in operations {
        let short = short(operation);
        let wanted = [
            // What is added to a name to make it unique is left out where it is unique without.
            (counted.get(&short) == Some(&1)).then_some(short),
            Some(operation.name.clone()),
            Some(readable(operation)),
        ];
        let usable = |name: &String| !name.trim().is_empty() && name.len() <= LONGEST;
        let mut name = wanted
            .into_iter()
            .flatten()
            .filter(usable)
            .find(|name| !taken.contains(name))
            .unwrap_or_else(|| readable(operation));
        name.truncate(name.floor_char_boundary(LONGEST));
        if taken.contains(&name) {
            let base = name.clone();
            let number = numbers.entry(base.clone()).or_insert(2);
            while taken.contains(&name) {
                name = format!("{base}_{number}");
                *number += 1;
            }
        }
        taken.insert(name.clone());
        operation.name = name;
    }
}

/// An id without what frameworks add of path and method: `read_item_items__item_id__get`.
fn short(operation: &Outline) -> String {
    let id = operation.name.trim();
    let words = |text: &str| text.replace(|c: char| !c.is_alphanumeric(), "_");
    let added = format!("{}_{}", words(&operation.path), operation.method.lower());
    id.strip_suffix(&added).filter(|short| !short.is_empty()).unwrap_or(id).to_owned()
}

/// `get_pets_by_pet_id_toys`.
fn readable(operation: &Outline) -> String {
    let mut name = operation.method.lower().to_owned();
    for segment in operation.path.split('/').filter(|segment| !segment.is_empty()) {
        let (by, segment) = match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(parameter) => ("_by", parameter),
            None => ("", segment),
        };
        name += by;
        name.push('_');
        let mut lower_before = false;
        for c in segment.chars() {
            if c.is_uppercase() && lower_before {
                name.push('_');
            }
            lower_before = c.is_lowercase();
            match c.is_alphanumeric() {
                true => name.extend(c.to_lowercase()),
                false if !name.ends_with('_') => name.push('_'),
                false => {}
            }
        }
        while name.ends_with('_') {
            name.pop();
        }
    }
    if operation.path.as_ref() == "/" {
        name += "_root";
    }
    name
}
