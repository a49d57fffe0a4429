//! How upstreams start: which protocol they speak, how long they take, and what is known when they do not.
//! What happens to a running one is another file's.

use std::time::Duration;

use outboard_runtime::{
    catalogue::{Catalogue, UpstreamState},
    ids::UpstreamName,
    ports::upstream::SendFailure,
};
use outboard_upstream::{Fleet, Transport, UpstreamSpec};
use serde_json::{Value, json};

use crate::rig::{self, Rig, reason};

#[tokio::test]
async fn any_version_that_the_server_answers_is_spoken() {
    for version in ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "1999-01-01"] {
        let rig = Rig::stdio(&["--protocol", version]);
        assert_eq!(rig.value("add", json!({"a": 1, "b": 2})).await, json!({"sum": 3.0}), "{version}");
        let opened = rig.received().await;
        assert_eq!(opened[0]["params"]["protocolVersion"], "2025-11-25");
        assert_eq!(opened[1]["method"], "notifications/initialized");
        assert_eq!(opened[2]["params"]["_meta"], Value::Null);
        rig.end().await;
    }
}

#[tokio::test]
async fn a_server_that_refuses_initialize_is_asked_to_discover() {
    for refusal in ["--modern-only", "--modern-only=-32022", "--modern-only=-32600"] {
        let rig = Rig::stdio(&[refusal, "--instructions", "Be modern."]);
        // The fixture refuses requests that do not repeat version and capabilities.
        assert_eq!(rig.value("add", json!({"a": 1, "b": 2})).await, json!({"sum": 3.0}), "{refusal}");
        assert_eq!(rig.listing().await.instructions.as_deref(), Some("Be modern."));
        let methods: Vec<_> = rig.received().await.iter().map(|message| message["method"].clone()).collect();
        assert_eq!(methods[..4], ["initialize", "server/discover", "tools/list", "tools/call"]);
        rig.end().await;
    }
}

#[tokio::test]
async fn a_server_that_names_its_version_in_the_refusal_is_asked_again() {
    let rig = Rig::stdio(&["--only-version", "2025-03-26"]);
    assert_eq!(rig.value("add", json!({"a": 1, "b": 2})).await, json!({"sum": 3.0}));
    let opened = rig.received().await;
    let versions: Vec<_> =
        opened.iter().map(|message| message["params"]["protocolVersion"].clone()).collect();
    assert_eq!(versions[..2], ["2025-11-25", "2025-03-26"]);
    rig.end().await;

    let rig = Rig::stdio(&["--only-version", "2099-01-01"]);
    let said = reason(rig.settled().await);
    assert!(said.contains("unsupported protocol version") && said.contains("server/discover"), "{said}");
    rig.end().await;
}

#[tokio::test]
async fn a_call_waits_for_a_slow_start() {
    let rig = Rig::stdio(&["--slow-start", "200"]);
    assert_eq!(rig.value("add", json!({"a": 1, "b": 2})).await, json!({"sum": 3.0}));
    assert!(
        matches!(rig.settled().await, UpstreamState::Ready { took } if took >= Duration::from_millis(200))
    );
    rig.end().await;
}

#[tokio::test]
async fn a_silent_start_ends_at_the_connect_timeout_for_calls_too() {
    let spec = UpstreamSpec {
        connect_timeout: Duration::from_millis(300),
        ..rig::stdio(&["--never-start", "--stderr", "waiting for Godot"])
    };
    let rig = Rig::start(spec);
    let failed = rig.call("add", json!({})).await;
    let Err(SendFailure::Unavailable { reason: said }) = failed else { panic!("{failed:?}") };
    assert!(said.contains("300ms") && said.contains("waiting for Godot"), "{said}");
    assert_eq!(reason(rig.settled().await), said);
    rig.end().await;
}

#[tokio::test]
async fn a_start_that_fails_says_why() {
    let program = |command: &str, args: &[&str]| {
        let transport = Transport::Stdio {
            command: command.to_owned(),
            args: args.iter().map(|&arg| arg.to_owned()).collect(),
            env: Vec::new(),
            cwd: None,
        };
        UpstreamSpec::new(rig::name(), transport)
    };
    // (what is started, what the reason names)
    let cases = [
        (
            rig::stdio(&["--exit-at-start", "7", "--stderr", "no token\u{1b}[0m"]),
            vec!["code 7", r"no token\u{1b}[0m"],
        ),
        (program("no-such-program", &[]), vec!["`no-such-program`", "installed"]),
        (program("/bin/cat", &["/no/such/file"]), vec!["code 1", "/no/such/file"]),
        (program("/bin/echo", &["hello"]), vec!["open the connection", "code 0"]),
    ];
    for (spec, named) in cases {
        let rig = Rig::start(spec);
        let said = reason(rig.settled().await);
        for part in named {
            assert!(said.contains(part), "{said:?} names {part:?}");
        }
        rig.end().await;
    }
}

#[tokio::test]
async fn the_child_sees_exactly_the_environment_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = rig::stdio(&[]);
    let Transport::Stdio { env, cwd, .. } = &mut spec.transport else { unreachable!("it is stdio") };
    *env = vec![("ONLY".to_owned(), "this".to_owned())];
    *cwd = Some(folder.path().to_owned());
    let rig = Rig::start(spec);
    let environment = rig.value("environment", json!({})).await;
    assert_eq!(environment["variables"], json!({"ONLY": "this"}));
    assert_eq!(environment["cwd"], json!(folder.path().canonicalize().unwrap()));
    rig.end().await;
}

#[tokio::test]
async fn a_broken_upstream_neither_hides_nor_holds_up_another() {
    let named = |name: &str, switches: &[&str]| UpstreamSpec { name: name.into(), ..rig::stdio(switches) };
    let names: [UpstreamName; 3] = ["broken".into(), "good".into(), "silent".into()];
    let catalogue = Catalogue::new(names.clone());
    let specs =
        [named("silent", &["--never-start"]), named("broken", &["--exit-at-start", "1"]), named("good", &[])];
    let fleet = Fleet::start(specs, &catalogue);
    let mut changes = catalogue.watch();
    let snapshot = changes
        .wait_for(|snapshot| {
            let state = |name: &str| &snapshot.member(name).unwrap().state;
            matches!(state("good"), UpstreamState::Ready { .. })
                && matches!(state("broken"), UpstreamState::Failed { .. })
        })
        .await
        .unwrap()
        .clone();
    assert_eq!(snapshot.member("silent").unwrap().state, UpstreamState::Starting);
    fleet.shutdown().await;
}

#[tokio::test]
async fn secrets_are_not_shown_by_debug() {
    let mut spec = rig::stdio(&[]);
    let Transport::Stdio { env, .. } = &mut spec.transport else { unreachable!("it is stdio") };
    env.push(("TOKEN".to_owned(), "hunter2".to_owned()));
    let shown = format!("{spec:?}");
    assert!(shown.contains("TOKEN") && !shown.contains("hunter2"), "{shown}");
}
