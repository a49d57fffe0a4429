//! Many clients at once: nothing of one reaches another.

use std::time::Duration;

use futures::future::join_all;
use outboard_face::{Backend as _, http::HttpOptions};
use outboard_runtime::session::Session;
use serde_json::json;

use super::wire::{Server, call};
use crate::runtime::{Fake, catalogue};

fn token(name: &str) -> String {
    format!("Bearer {name}-0123456789abc")
}

#[tokio::test]
async fn answers_to_the_same_ids_go_to_those_who_asked() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    let sessions = join_all((0..40).map(|client| {
        let server = &server;
        async move {
            let session = server.session(&[], "2025-11-25", json!({})).await;
            for round in 0..5 {
                let value = client * 100 + round;
                assert_eq!(
                    server.execute(&session, 2, &format!("return {value}")).await.tool().await,
                    value.to_string()
                );
                let alone = server
                    .alone(&[], "same", json!({ "code": format!("return {value}") }))
                    .await
                    .tool()
                    .await;
                assert_eq!(alone, value.to_string());
            }
            session
        }
    }))
    .await;
    let mut names = sessions.clone();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), sessions.len());
    server.end().await;
}

#[tokio::test]
async fn a_call_is_made_for_whom_the_token_names() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::with(&fake, &["ann", "ben"], HttpOptions::default()).await;
    for name in ["ann", "ben"] {
        let token = token(name);
        let expected = format!("Some(\"{name}\") {name}");
        let alone =
            server.alone(&[("authorization", &token)], "root", json!({ "code": "who" })).await.tool().await;
        let session = server.session(&[("authorization", &token)], "2025-11-25", json!({})).await;
        let headers = [("authorization", token.as_str()), ("mcp-session-id", &session)];
        let message = call(2, "tools/call", json!({ "name": "execute", "arguments": { "code": "who" } }));
        let in_session = server.post(&headers, &message).await.tool().await;
        assert_eq!((alone, in_session), (expected.clone(), expected));
    }
    server.end().await;
    let server = Server::new(&fake).await;
    let claimed = server.alone(&[], "root", json!({ "code": "who" })).await.tool().await;
    assert_eq!(claimed, "None root");
    server.end().await;
}

#[tokio::test]
async fn a_session_is_its_principals_alone() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::with(&fake, &["ann", "ben"], HttpOptions::default()).await;
    let (ann, ben) = (token("ann"), token("ben"));
    let session = server.session(&[("authorization", &ann)], "2025-11-25", json!({})).await;
    let named = |token| [("authorization", token), ("mcp-session-id", session.as_str())];
    let list = call(2, "tools/list", json!({}));
    let stream = [("accept", "text/event-stream")];
    assert_eq!(server.post(&named(&ben), &list).await.status, 404);
    assert_eq!(server.send("GET", &[&named(&ben)[..], &stream].concat(), "").await.status, 404);
    assert_eq!(server.send("DELETE", &named(&ben), "").await.status, 404);
    assert_eq!(server.post(&named(&ann), &list).await.status, 200);
    server.end().await;
}

#[tokio::test]
async fn a_run_is_found_by_those_who_know_its_name_and_are_who_began_it() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::with(&fake, &["ann", "ben"], HttpOptions::default()).await;
    let (ann, ben) = (token("ann"), token("ben"));
    // A person is asked, so the call is over before its run is.
    let ask = json!({ "code": r#"ask {"text":"hi"}"# });
    server.alone(&[("authorization", &ann)], "a", ask).await.answer().await;
    let name = fake.approvals.open()[0].run().name().to_owned();
    assert!(name.starts_with("r1.") && name.len() > 12, "{name}");
    for (token, client, resume) in
        [(&ben, "a", name.as_str()), (&ann, "b", &name), (&ann, "a", "r1"), (&ben, "a", "r1.")]
    {
        let mut answer = server.alone(&[("authorization", token)], client, json!({ "resume": resume })).await;
        let text = answer.tool().await;
        assert!(
            text.starts_with("there is nothing to resume under") && !text.contains("under way"),
            "{text}"
        );
    }
    let (_, own) =
        server.alone(&[("authorization", &ann)], "a", json!({ "resume": name })).await.answer().await;
    assert_eq!(own["result"]["resultType"], "input_required", "{own}");
    server.end().await;
}

#[tokio::test]
async fn what_was_taken_up_after_a_crash_is_not_found_by_a_name_that_can_be_guessed() {
    let fake = Fake::new(catalogue(1, 2));
    let taken_up = |session: &Session, fake: &std::sync::Arc<Fake>| {
        let request = outboard_runtime::RunRequest {
            code: "return 7".to_owned(),
            id: Some(session.next_run()),
            ..outboard_runtime::RunRequest::default()
        };
        let id = request.id.clone().unwrap();
        let run = std::sync::Arc::clone(fake).run(
            std::sync::Arc::clone(&fake.recovered),
            request.clone(),
            tokio_util::sync::CancellationToken::new(),
        );
        fake.recovered.adopt(
            id.clone(),
            tokio_util::sync::CancellationToken::new(),
            request.progress.subscribe(),
            run,
        );
        id.name().to_owned()
    };
    let of_a_pipe = taken_up(&Session::new(), &fake);
    let of_http = taken_up(&Session::new().with_secret_names(), &fake);
    let server = Server::new(&fake).await;
    let mut guessed = server.alone(&[], "a", json!({ "resume": of_a_pipe })).await;
    assert_ne!(guessed.tool().await, "7");
    let mut known = server.alone(&[], "a", json!({ "resume": of_http })).await;
    assert_eq!(known.tool().await, "7");
    server.end().await;
}

#[tokio::test]
async fn sessions_are_bounded_for_each_principal_and_unused_ones_end() {
    let fake = Fake::new(catalogue(1, 2));
    let options = HttpOptions { sessions: 2, idle: Duration::from_secs(1), ..HttpOptions::default() };
    let server = Server::with(&fake, &["ann", "ben", "cid"], options).await;
    let (ann, ben) = (token("ann"), token("ben"));
    let client = json!({ "name": "t", "version": "1" });
    let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    // Also those that come at once are no more than the bound allows.
    let opening = call(1, "initialize", params);
    let cid = token("cid");
    let headers = [("authorization", cid.as_str())];
    let at_once = join_all((0..20).map(|_| server.post(&headers, &opening))).await;
    assert_eq!(at_once.iter().filter(|answer| answer.status == 200).count(), 2);
    let first = server.session(&[("authorization", &ann)], "2025-11-25", json!({})).await;
    server.session(&[("authorization", &ann)], "2025-11-25", json!({})).await;
    let full = server.post(&[("authorization", &ann)], &opening).await;
    assert_eq!((full.status, full.header("retry-after").is_some()), (503, true));
    server.session(&[("authorization", &ben)], "2025-11-25", json!({})).await;
    for (client, status) in [("a", 200), ("b", 200), ("c", 503), ("a", 200)] {
        let answer = server.alone(&[("authorization", &ann)], client, json!({ "code": "return 1" })).await;
        assert_eq!(answer.status, status, "{client}");
    }
    // One in which something is listened to stays; the others end.
    let named = [("authorization", ann.as_str()), ("mcp-session-id", first.as_str())];
    let stream = server.send("GET", &[&named[..], &[("accept", "text/event-stream")]].concat(), "").await;
    let room = async {
        while server.post(&[("authorization", &ann)], &opening).await.status != 200 {
            tokio::task::yield_now().await;
        }
        while server.alone(&[("authorization", &ann)], "c", json!({ "code": "return 1" })).await.status != 200
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), room).await.unwrap();
    assert_eq!(server.post(&named, &call(2, "tools/list", json!({}))).await.status, 200);
    drop(stream);
    server.end().await;
}
