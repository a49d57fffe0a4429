//! A small catalogue of several upstreams, and a check of what is found in it.

use outboard_search::{Document, Index, Key};

/// `namespace.tool`, and what it says.
const TOOLS: [(&str, &str); 22] = [
    ("github.create_issue", "Open a new issue in a repository."),
    ("github.list_issues", "List the issues of a repository, filtered by state and label."),
    ("github.create_pull_request", "Propose the commits of a branch for merging."),
    ("github.search_code", "Search source code across repositories."),
    ("github.get_file_contents", "Read a file or a folder of a repository."),
    ("jira.createTicket", "Create a ticket in a project."),
    ("jira.searchTickets", "Find tickets by a JQL expression."),
    ("calendar.create_event", "Put an event into a calendar and invite people."),
    ("calendar.list_events", "Events between two dates."),
    ("mail.send_message", "Send an e-mail with attachments."),
    ("mail.search_messages", "Search the mailbox."),
    ("files.read_file", "Read a text file."),
    ("files.delete_file", "Delete a file for good."),
    ("files.move_file", "Move a file to another folder."),
    ("db.run_query", "Run an SQL statement and return its rows."),
    ("db.list_tables", "Tables of the database, with their columns."),
    ("weather.get_forecast", "Forecast for a city, for up to seven days."),
    ("travel.search_flights", "Flights between two airports on a date."),
    ("travel.book_hotel", "Reserve a room in a hotel."),
    ("shop.list_orders", "All orders of a customer, newest first."),
    ("shop.refund_order", "Refund the payment of an order."),
    ("web.webscraper", "Text and links of a page by its address."),
];

pub(crate) fn index() -> Index {
    let mut index = Index::new();
    for (name, description) in TOOLS {
        let (namespace, name) = name.split_once('.').unwrap();
        let document = Document { description: Some(description), ..Document::default() };
        index.put(Key::new(namespace, name), &document);
    }
    index
}

/// Full names of what is found, best first.
pub(crate) fn found(index: &Index, query: &str, limit: usize) -> Vec<String> {
    index.search(query, limit).iter().map(|hit| format!("{}.{}", hit.key.namespace, hit.key.name)).collect()
}
