//! Texts of any size and upstreams that want to be found for everything.

use outboard_search::{Document, Key};

use crate::catalogue::{found, index};

fn says(description: &str) -> Document<'_> {
    Document { description: Some(description), ..Document::default() }
}

#[test]
fn large_texts_are_bounded() {
    let mut index = index();
    let large = "create issue calendar . , _ ".repeat(40_000);
    index.put(Key::new("large", "tool"), &says(&large));
    index.put(Key::new("large", "run"), &says(&"x".repeat(1 << 20)));
    let long_name = "longName".repeat(1 << 17);
    index.put(Key::new("large", &long_name), &says("a tool"));
    let parameters = (0..5_000).map(|_| (&*large, &*large)).collect();
    index.put(Key::new("large", "parameters"), &Document { parameters, ..Document::default() });
    assert_eq!(found(&index, "create_issue", 1), ["github.create_issue"]);
    for query in
        [large, "a.".repeat(1 << 19), "漢".repeat(1 << 18), "then ".repeat(1 << 18), "word1 ".repeat(1 << 18)]
    {
        assert!(found(&index, &query, 100).len() <= 100);
    }
    assert_eq!(
        found(&index, &("create issue ".to_owned() + &" ".repeat(1 << 20)), 1),
        ["github.create_issue"]
    );
}

#[test]
fn a_thousand_tools_of_one_name_leave_an_answer_in_order() {
    let mut index = index();
    for number in 0..1_000 {
        index.put(Key::new(&format!("up{number:04}"), "search"), &says("Search"));
    }
    assert_eq!(found(&index, "search", 3), ["up0000.search", "up0001.search", "up0002.search"]);
    assert_eq!(found(&index, "search", 100).len(), 100);
    assert_eq!(found(&index, "search flights", 1), ["travel.search_flights"]);
}

#[test]
fn an_upstream_that_stuffs_keywords_does_not_push_the_others_out() {
    let stuffing =
        "create issue ticket list events calendar send mail message read file delete query database \
                    weather forecast flights hotel book orders refund "
            .repeat(50);
    let mut index = index();
    for number in 0..500 {
        index.put(Key::new("greedy", &format!("tool{number}")), &says(&stuffing));
    }
    for (query, tool) in [
        ("create an issue", "github.create_issue"),
        ("weather forecast", "weather.get_forecast"),
        ("send a message by mail", "mail.send_message"),
        ("book a hotel room", "travel.book_hotel"),
        ("delete a file", "files.delete_file"),
    ] {
        let found = found(&index, query, 8);
        assert!(found.iter().take(3).any(|name| name == tool), "{tool} is not among the first of {found:?}");
    }
}
