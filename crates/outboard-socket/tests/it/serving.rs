//! Who is let in, what they may say, and what becomes of their calls.

use std::{sync::atomic::Ordering, time::Duration};

use outboard_runtime::approval::Said;
use outboard_socket::LONGEST_REQUEST;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::world::{World, until};

#[tokio::test]
async fn calls_go_through_the_gate_and_are_answered_by_their_numbers() {
    let world = World::new();
    let mut peer = world.program().await;
    for (tool, arguments, expected) in [
        ("echo", json!({"a": [1, "é"]}), json!({"value": {"id": 1, "value": {"a": [1, "é"]}}})),
        (
            "fail",
            json!({}),
            json!({"failed": {"id": 1, "code": "tool_error", "message": "no such thing", "tool": "box.fail",
                   "content": [{"type": "text", "text": "no such thing"}]}}),
        ),
        (
            "no",
            json!({}),
            json!({"failed": {"id": 1, "code": "denied", "message": "denied by policy: not here", "tool": "box.no", "content": []}}),
        ),
    ] {
        peer.call(1, tool, &arguments).await;
        assert_eq!(peer.hear().await, Some(expected));
    }
    for (tool, arguments, code) in [
        ("ehco", json!({}), "unknown_tool"),
        ("echo", json!([1]), "invalid_arguments"),
        ("echo", json!(null), "invalid_arguments"),
    ] {
        peer.call(2, tool, &arguments).await;
        assert_eq!(peer.hear().await.unwrap()["failed"]["code"], code);
    }
    assert_eq!(world.upstream.sent.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_thousand_calls_at_once_on_one_connection() {
    let world = World::new();
    let mut peer = world.program().await;
    for id in 0..1_000 {
        peer.call(id, "echo", &json!({ "n": id })).await;
    }
    let mut seen = vec![false; 1_000];
    for _ in 0..1_000 {
        let said = peer.hear().await.unwrap();
        let id = said["value"]["id"].as_u64().unwrap();
        assert_eq!(said["value"]["value"], json!({ "n": id }));
        assert!(!std::mem::replace(&mut seen[usize::try_from(id).unwrap()], true));
    }
}

#[tokio::test]
async fn whoever_is_another_user_is_refused_before_anything_is_read() {
    let world = World::behind(|door| door.admitting(u32::MAX - 7));
    let mut peer = world.connect().await;
    let said = peer.hear().await.unwrap();
    assert_eq!(said, json!({"refused": {"message": "the socket belongs to another user"}}));
    assert_eq!(peer.hear().await, None);
    // Whoever greets after that is not cut off: it would take nobody to be here, and not look for what was said.
    peer.say(&json!({"hello": {"version": 1}})).await;
    assert_eq!(world.traffic.borrow().connections, 0);
}

#[tokio::test]
async fn what_makes_no_sense_ends_the_connection_and_says_why() {
    let world = World::new();
    let hello = json!({"hello": {"version": 1}}).to_string();
    let call = |id: Value| {
        json!({"call": {"id": id, "namespace": "box", "tool": "wait", "arguments": {}}}).to_string()
    };
    let long = "x".repeat(10_000);
    for (said, expected) in [
        (vec!["{}".to_owned()], "it begins with `hello`"),
        (vec![call(json!(1))], "it begins with `hello`"),
        (vec!["\u{0}\u{1}".to_owned()], "it begins with `hello`"),
        (vec![json!({"hello": {"version": 2}}).to_string()], "version 2 is spoken"),
        (vec![hello.clone(), hello.clone()], "`hello` comes once"),
        (vec![hello.clone(), String::new()], "cannot be understood"),
        (vec![hello.clone(), "[".repeat(100_000)], "cannot be understood"),
        (vec![hello.clone(), call(json!(-1))], "cannot be understood"),
        (vec![hello.clone(), call(json!(long))], "cannot be understood"),
        (vec![hello.clone(), call(json!(3)), call(json!(3))], "call 3 is still under way"),
    ] {
        let mut peer = world.connect().await;
        for frame in &said {
            peer.say_bytes(frame.as_bytes()).await;
        }
        let mut last = Value::Null;
        while let Some(heard) = peer.hear().await {
            last = heard;
        }
        let message = last["refused"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(expected), "{expected}: {last}");
    }
    // Others are served all the same.
    let mut peer = world.program().await;
    peer.call(1, "echo", &json!({})).await;
    assert_eq!(peer.hear().await, Some(json!({"value": {"id": 1, "value": {}}})));
}

#[tokio::test]
async fn a_frame_that_is_too_long_is_refused_by_its_length_alone() {
    let world = World::new();
    for length in [u32::try_from(LONGEST_REQUEST).unwrap() + 1, u32::MAX] {
        for greeted in [true, false] {
            let mut peer = if greeted { world.program().await } else { world.connect().await };
            peer.0.write_all(&length.to_be_bytes()).await.unwrap();
            let said = peer.hear().await.unwrap();
            let message = said["refused"]["message"].as_str().unwrap();
            assert!(message.contains("a frame may have up to"), "{said}");
            assert_eq!(peer.hear().await, None);
        }
    }
}

#[tokio::test]
async fn calls_of_a_program_that_is_gone_are_given_up() {
    let world = World::new();
    let mut peer = world.program().await;
    for id in 0..3 {
        peer.call(id, "wait", &json!({})).await;
    }
    until("they are sent", || world.upstream.sent.load(Ordering::SeqCst) == 3).await;
    drop(peer);
    until("they are abandoned", || world.upstream.abandoned.load(Ordering::SeqCst) == 3).await;
    until("nobody is connected", || world.traffic.borrow().connections == 0).await;
}

#[tokio::test]
async fn a_call_can_be_given_up_alone() {
    let world = World::new();
    let mut peer = world.program().await;
    peer.call(7, "wait", &json!({})).await;
    until("it is sent", || world.upstream.sent.load(Ordering::SeqCst) == 1).await;
    peer.say(&json!({"cancel": {"id": 99}})).await;
    peer.say(&json!({"cancel": {"id": 7}})).await;
    let said = peer.hear().await.unwrap();
    assert_eq!((&said["failed"]["id"], &said["failed"]["code"]), (&json!(7), &json!("interrupted")));
    // Its number is free again.
    peer.call(7, "echo", &json!({})).await;
    assert_eq!(peer.hear().await, Some(json!({"value": {"id": 7, "value": {}}})));
}

#[tokio::test]
async fn a_call_that_asks_says_so_waits_and_keeps_no_turn() {
    let world = World::new();
    let mut peer = world.program().await;
    // More than have a turn at once.
    for id in 0..8 {
        peer.call(id, "ask", &json!({ "n": id })).await;
    }
    let mut asked = Vec::new();
    for _ in 0..8 {
        let said = peer.hear().await.unwrap();
        asked.push(said["waiting"]["question"].as_str().unwrap_or_else(|| panic!("{said}")).to_owned());
    }
    peer.call(100, "echo", &json!({})).await;
    assert_eq!(peer.hear().await, Some(json!({"value": {"id": 100, "value": {}}})));
    let sheets = world.approvals.open();
    assert_eq!(sheets.len(), 8);
    assert!(sheets.iter().all(|sheet| asked.iter().any(|id| id == sheet.id.as_str())));
    let asks = sheets[0].first().principal.as_str();
    let file = std::env::current_exe().unwrap();
    let program = format!("a test ({}, process {})", file.file_name().unwrap().display(), std::process::id());
    assert_eq!(asks, program);
    for (at, sheet) in sheets.iter().enumerate() {
        world.approvals.answer(&sheet.id, if at == 0 { Said::No } else { Said::Once }).unwrap();
    }
    let mut refused = 0;
    for _ in 0..8 {
        let said = peer.hear().await.unwrap();
        refused += usize::from(said["failed"]["code"] == "denied");
    }
    assert_eq!((refused, world.upstream.sent.load(Ordering::SeqCst)), (1, 8));
}

#[tokio::test]
async fn who_does_not_read_is_held_up_and_holds_up_nobody_else() {
    let world = World::new();
    let mut silent = world.program().await;
    for id in 0..40 {
        silent.call(id, "big", &json!({})).await;
    }
    until("all are made", || world.upstream.sent.load(Ordering::SeqCst) == 40).await;
    silent.call(64, "echo", &json!({})).await;
    let mut other = world.program().await;
    other.call(1, "echo", &json!({})).await;
    assert_eq!(other.hear().await, Some(json!({"value": {"id": 1, "value": {}}})));
    let mut limited = false;
    for _ in 0..41 {
        let said = silent.hear().await.unwrap();
        limited |= said["failed"]["code"] == "limit";
    }
    assert!(limited, "320 MB were held for it");
    silent.call(65, "echo", &json!({})).await;
    assert_eq!(silent.hear().await, Some(json!({"value": {"id": 65, "value": {}}})));
}

#[tokio::test]
async fn the_end_tells_every_program_and_takes_the_socket_away() {
    let world = World::new();
    let path = world.folder.path().join("private/socket");
    let mut peer = world.program().await;
    peer.call(1, "wait", &json!({})).await;
    until("it is sent", || world.upstream.sent.load(Ordering::SeqCst) == 1).await;
    world.stop.cancel();
    let said = peer.hear().await.unwrap();
    assert_eq!(said["failed"]["code"], "interrupted");
    assert_eq!(peer.hear().await, None);
    tokio::time::timeout(Duration::from_secs(10), world.serving).await.unwrap().unwrap();
    assert!(!path.exists());
    assert_eq!(world.upstream.abandoned.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_makes_more_calls_than_are_taken_and_reads_nothing_is_not_read_either() {
    let world = World::new();
    let mut peer = world.program().await;
    for id in 0..4_096 {
        peer.call(id, "wait", &json!({})).await;
    }
    // Each is refused with its name, so that what is not read would pile up.
    let name = "x".repeat(2_000);
    let nothing = json!({});
    let mut sent = 0;
    let held_up = loop {
        let call = peer.call(5_000 + sent, &name, &nothing);
        if tokio::time::timeout(Duration::from_secs(1), call).await.is_err() {
            break true;
        }
        sent += 1;
        if sent == 20_000 {
            break false;
        }
    };
    assert!(held_up, "40 MB of refusals were taken in");
    // As soon as it reads it is answered, in order, and only then is more of it taken.
    for id in 0..sent {
        let said = peer.hear().await.unwrap();
        assert_eq!((&said["failed"]["id"], &said["failed"]["code"]), (&json!(5_000 + id), &json!("limit")));
    }
}

#[tokio::test]
async fn names_that_nothing_can_have_are_not_kept() {
    let world = World::new();
    let mut peer = world.program().await;
    peer.call(1, &"x".repeat(1 << 20), &json!({})).await;
    let said = peer.hear().await.unwrap();
    assert_eq!(said["failed"]["code"], "unknown_tool");
    assert!(said.to_string().len() < 300, "{said}");
}

#[tokio::test]
async fn nothing_is_written_to_a_program_after_the_end() {
    let world = World::new();
    let mut peer = world.program().await;
    peer.call(1, "big", &json!({})).await;
    peer.0.readable().await.unwrap();
    world.stop.cancel();
    tokio::time::timeout(Duration::from_secs(20), world.serving).await.unwrap().unwrap();
    let mut rest = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), peer.0.read_to_end(&mut rest)).await;
    assert!(read.is_ok() && rest.len() < 8 << 20, "{} bytes", rest.len());
}

#[tokio::test]
async fn a_refusal_comes_after_the_answers_of_others_however_much_is_still_being_said() {
    let world = World::new();
    let mut peer = world.program().await;
    peer.call(1, "wait", &json!({})).await;
    until("it is sent", || world.upstream.sent.load(Ordering::SeqCst) == 1).await;
    // A program that writes all that it has to say before it reads.
    peer.say_bytes(&vec![b'x'; LONGEST_REQUEST + 1]).await;
    let said = peer.hear().await.unwrap();
    assert_eq!((&said["failed"]["id"], &said["failed"]["code"]), (&json!(1), &json!("interrupted")));
    let said = peer.hear().await.unwrap();
    assert!(said["refused"]["message"].as_str().unwrap().contains("a frame may have up to"), "{said}");
}

#[tokio::test]
async fn a_socket_whose_name_another_has_is_served_no_more_and_the_other_stays() {
    let world = World::new();
    let path = world.folder.path().join("private/socket");
    let mut peer = world.program().await;
    peer.call(1, "wait", &json!({})).await;
    until("it is sent", || world.upstream.sent.load(Ordering::SeqCst) == 1).await;
    std::fs::remove_file(&path).unwrap();
    let other = std::os::unix::net::UnixListener::bind(&path).unwrap();
    tokio::time::timeout(Duration::from_secs(20), world.serving).await.unwrap().unwrap();
    assert_eq!(peer.hear().await.unwrap()["failed"]["code"], "interrupted");
    assert!(path.exists());
    drop(other);
}
