//! Which tool of an upstream does at once for many what another does for one, by its name and what it takes:
//! `get_users({ ids })` beside `get_user({ id })`. It is a guess, good enough for a hint and for nothing else.

use outboard_script::{Kinds, Shape};

use super::Member;

/// Words by which a name says that it means many.
const MARKS: [&str; 5] = ["batch", "bulk", "many", "multi", "multiple"];
/// Tools of one upstream that are compared.
const COMPARED: usize = 2_000;

/// The identifier of the tool that takes many where `tool` takes one.
pub(super) fn takes_many<'m>(member: &'m Member, tool: &str) -> Option<&'m str> {
    let (identifier, _) = member.tool(tool)?;
    let one = words(identifier);
    let given = member.shape(identifier)?;
    member
        .identifiers
        .iter()
        .take(COMPARED)
        .find(|other| {
            let many = words(other);
            is_plural_of(&many, &one)
                && member.shape(other).is_some_and(|shape| takes_lists(&shape, &given, &one))
        })
        .map(String::as_str)
}

/// Whether a name is another with one word in the plural, or marked as meaning many.
fn is_plural_of(many: &[String], one: &[String]) -> bool {
    let plain: Vec<&String> = many.iter().filter(|word| !MARKS.contains(&word.as_str())).collect();
    let marked = plain.len() < many.len() && !one.iter().any(|word| MARKS.contains(&word.as_str()));
    let differ: Vec<(&String, &String)> =
        plain.iter().copied().zip(one).filter(|(many, one)| many != one).collect();
    plain.len() == one.len()
        && match differ.as_slice() {
            [] => marked,
            [(many, one)] => is_plural(many, one),
            _ => false,
        }
}

/// Whether what the one takes can be given to the other in a list.
fn takes_lists(many: &Shape, one: &Shape, name: &[String]) -> bool {
    let Some(members) = &many.members else { return false };
    let singles = one.members.iter().flat_map(|members| members.named.keys()).map(|name| words(name));
    let singles: Vec<Vec<String>> = singles.collect();
    let is_list = |shape: &Shape| shape.kinds != Kinds::ANY && shape.kinds.covers(Kinds::ARRAY);
    members.named.iter().filter(|(_, shape)| is_list(shape)).any(|(list, _)| {
        let list_words = words(list);
        let of_argument = singles.iter().any(|single| {
            let (Some(list_last), Some(last)) = (list_words.last(), single.last()) else { return false };
            is_plural(list_last, last)
        });
        let of_name = list_words.last().is_some_and(|last| name.iter().any(|word| is_plural(last, word)));
        of_argument || of_name || matches!(members.required.as_slice(), [only] if only == list)
    })
}

fn is_plural(many: &str, one: &str) -> bool {
    let by_ies = || Some(many.strip_suffix("ies")? == one.strip_suffix('y')?);
    many.strip_suffix('s').is_some_and(|stem| stem == one || stem.strip_suffix('e') == Some(one))
        || by_ies() == Some(true)
}

/// The words of a name in snake or camel case, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut lower_before = false;
    for c in name.chars() {
        if !c.is_alphanumeric() || c.is_uppercase() && lower_before {
            words.push(String::new());
        }
        lower_before = c.is_lowercase() || c.is_numeric();
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_told_from_other_names() {
        for (many, one, expected) in [
            ("get_users", "get_user", true),
            ("getUsers", "getUser", true),
            ("get-companies", "get-company", true),
            ("fetch_boxes", "fetch_box", true),
            ("batch_get_user", "get_user", true),
            ("get_users_bulk", "get_user", true),
            ("get_user", "get_user", false),
            ("list_users", "get_user", false),
            ("get_user_groups", "get_user_group_by_id", false),
            ("gets_users", "get_user", false),
            ("get_users_status", "get_user_status", true),
        ] {
            assert_eq!(is_plural_of(&words(many), &words(one)), expected, "{many} {one}");
        }
    }
}
