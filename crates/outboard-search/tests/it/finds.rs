//! Which tool comes first for a few words, and which set for a task.

use outboard_search::{Document, Index, Key};

use crate::catalogue::{found, index};

#[test]
fn the_right_tool_comes_first() {
    let index = index();
    for (query, first) in [
        // Names, however they are written.
        ("create_issue", "github.create_issue"),
        ("github.create_issue", "github.create_issue"),
        ("createIssue", "github.create_issue"),
        ("Create Issues", "github.create_issue"),
        ("create ticket", "jira.createTicket"),
        ("search_tickets", "jira.searchTickets"),
        ("please call list_tables for me and then tell me of rows", "db.list_tables"),
        // Plurals and other forms.
        ("listing the issues", "github.list_issues"),
        ("forecasts", "weather.get_forecast"),
        ("refunding orders", "shop.refund_order"),
        // Misspelt.
        ("forcast for Paris", "weather.get_forecast"),
        ("list calender evnets", "calendar.list_events"),
        ("databse tables", "db.list_tables"),
        // Other words for the same.
        ("remove a document", "files.delete_file"),
        ("e-mail a colleague", "mail.send_message"),
        ("which purchases did the client make", "shop.list_orders"),
        ("airplane to Rome", "travel.search_flights"),
        ("find accommodation", "travel.book_hotel"),
        // Written as one word or as two.
        ("web scraper", "web.webscraper"),
        ("scraper", "web.webscraper"),
    ] {
        assert_eq!(found(&index, query, 5).first().map(String::as_str), Some(first), "for {query:?}");
    }
}

#[test]
fn a_task_finds_its_set_and_not_variants_of_one() {
    let index = index();
    for (task, set) in [
        (
            "Find the open issues about login in our repository. Then send an e-mail with a summary to the team. \
             Finally create an event in the calendar for the review.",
            &["github.list_issues", "mail.send_message", "calendar.create_event"][..],
        ),
        (
            "Book a hotel in Rome, and get the forecast for the week, then refund the order of the old trip",
            &["travel.book_hotel", "weather.get_forecast", "shop.refund_order"],
        ),
    ] {
        let found = found(&index, task, 5);
        for tool in set {
            assert!(found.iter().any(|name| name == tool), "{tool} is not among {found:?} for {task:?}");
        }
    }
}

#[test]
fn nothing_is_found_for_nothing() {
    let index = index();
    for query in ["", "   ", "!?", "zzqqxxyy", "\u{0}\u{1}"] {
        assert_eq!(found(&index, query, 5), [""; 0], "for {query:?}");
    }
    assert_eq!(found(&Index::new(), "create issue", 5), [""; 0]);
    assert_eq!(found(&index, "create issue", 0), [""; 0]);
}

#[test]
fn what_parameters_say_is_looked_at() {
    let mut index = index();
    let parameters = vec![("iban", "The account to be credited")];
    index.put(Key::new("bank", "transfer"), &Document { parameters, ..Document::default() });
    assert_eq!(found(&index, "iban", 3), ["bank.transfer"]);
}

#[test]
fn other_scripts_are_found_by_their_own_words() {
    let mut index = index();
    let says = |description| Document { description: Some(description), ..Document::default() };
    index.put(Key::new("cn", "a"), &says("获取天气预报"));
    index.put(Key::new("ru", "b"), &says("Прогноз погоды"));
    assert_eq!(found(&index, "天气", 1), ["cn.a"]);
    assert_eq!(found(&index, "погоды", 1), ["ru.b"]);
}

#[test]
fn equal_tools_come_in_the_order_of_their_names_every_time() {
    let mut index = Index::new();
    for namespace in ["c", "a", "b"] {
        let document = Document { description: Some("Says hello"), ..Document::default() };
        index.put(Key::new(namespace, "greet"), &document);
    }
    for _ in 0..20 {
        assert_eq!(found(&index, "greet", 3), ["a.greet", "b.greet", "c.greet"]);
    }
}
