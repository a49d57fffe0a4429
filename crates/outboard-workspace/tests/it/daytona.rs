//! A remote sandbox against a fake of the service: what is asked of it, what commands do, and what becomes of sandboxes.

use std::time::Duration;

use outboard_jail::Protection;
use outboard_runtime::ports::workspace::{Command, End, Workspace as _};
use outboard_testkit::daytona::{FakeDaytona, Fault, KEY};
use outboard_workspace::{
    daytona::{Daytona, Sandbox},
    furnishing::Furnishing,
};

fn service(fake: &FakeDaytona) -> Daytona {
    Daytona::new(&fake.url(), KEY, "one", Some("small".to_owned()), None).unwrap()
}

async fn sandbox(fake: &FakeDaytona) -> Sandbox {
    let furnishing = Furnishing { readme: "# Workspace\n".to_owned(), ..Furnishing::default() };
    service(fake).make("w1", &furnishing, None).await.unwrap()
}

fn bash(script: &str) -> Command {
    Command {
        argv: ["/bin/bash", "-c", script].map(str::to_owned).to_vec(),
        input: None,
        merged: false,
        output: 1 << 20,
        deadline: Duration::from_secs(60),
    }
}

#[tokio::test]
async fn a_command_has_its_input_two_streams_and_its_end() {
    let fake = FakeDaytona::start().await;
    let sandbox = sandbox(&fake).await;
    let asked = Command { input: Some(b"it's\n".to_vec()), ..bash("cat; cat README.md; echo e >&2; exit 3") };
    let ran = sandbox.run(asked).await.unwrap();
    assert_eq!(
        (ran.end, ran.output, ran.errors),
        (End::Code(3), b"it's\n# Workspace\n".to_vec(), b"e\n".to_vec())
    );
    let ran = sandbox.run(Command { merged: true, ..bash("echo a; echo b >&2; echo c") }).await.unwrap();
    assert_eq!((ran.output, ran.errors), (b"a\nb\nc\n".to_vec(), Vec::new()));
    let ran = sandbox.run(bash("kill -TERM $$")).await.unwrap();
    assert_eq!(ran.end, End::Signal(15));
    sandbox.close().await;
    assert_eq!(fake.sandboxes(), 0);
    assert!(sandbox.run(bash("true")).await.is_err());
}

#[tokio::test]
async fn output_is_bounded_and_the_rest_counted() {
    let fake = FakeDaytona::start().await;
    let sandbox = sandbox(&fake).await;
    let ran = sandbox.run(Command { output: 10, ..bash("printf %025d 0; printf xyz >&2") }).await.unwrap();
    assert_eq!((ran.output.len(), ran.errors.len(), ran.dropped), (10, 0, 18));
}

#[tokio::test]
async fn a_deadline_ends_the_command_and_what_it_began() {
    let fake = FakeDaytona::start().await;
    let sandbox = sandbox(&fake).await;
    let asked = Command { deadline: Duration::from_millis(300), ..bash("echo on; sleep 1000 & sleep 1000") };
    let ran = sandbox.run(asked).await.unwrap();
    assert_eq!((ran.end, ran.output), (End::Deadline, b"on\n".to_vec()));
}

#[tokio::test]
async fn the_service_ends_a_sandbox_itself_and_the_key_is_not_in_it() {
    let fake = FakeDaytona::start().await;
    let sandbox = sandbox(&fake).await;
    let asked = fake.asked().remove(0);
    assert_eq!((&asked["autoStopInterval"], &asked["autoDeleteInterval"]), (&15.into(), &0.into()));
    assert_eq!((&asked["networkBlockAll"], &asked["labels"]["outboard"]), (&true.into(), &"one".into()));
    assert!(!asked.to_string().contains(KEY));
    let ran = sandbox.run(bash("env; grep -r . $HOME")).await.unwrap();
    let seen = String::from_utf8_lossy(&ran.output).into_owned();
    assert!(seen.contains("PYTHONPATH=") && !seen.contains(KEY), "{seen}");
}

#[tokio::test]
async fn what_a_dead_outboard_left_is_swept_and_nothing_else() {
    let fake = FakeDaytona::start().await;
    let _left = sandbox(&fake).await;
    let other = Daytona::new(&fake.url(), KEY, "two", None, None).unwrap();
    let _others = other.make("w1", &Furnishing::default(), None).await.unwrap();
    let own = std::process::id();
    assert_eq!(service(&fake).sweep(|process| process == own).await.unwrap(), 0);
    assert_eq!(service(&fake).sweep(|_| false).await.unwrap(), 1);
    assert_eq!(fake.sandboxes(), 1);
}

#[tokio::test]
async fn one_that_does_not_start_is_deleted_and_what_cannot_be_seen_is_refused() {
    let fake = FakeDaytona::start().await;
    let required = Furnishing { required: vec![Protection::Root], ..Furnishing::default() };
    let refused = service(&fake).make("w1", &required, None).await.err().unwrap().to_string();
    assert!(refused.contains(Protection::Root.name()), "{refused}");
    assert!(fake.asked().is_empty());
    fake.fault(Fault::Fails);
    let refused = service(&fake).make("w1", &Furnishing::default(), None).await.err().unwrap().to_string();
    assert!(refused.contains("`error`"), "{refused}");
    assert_eq!(fake.sandboxes(), 0);
}

#[tokio::test]
async fn a_service_that_misbehaves_is_told_without_the_key() {
    let fake = FakeDaytona::start().await;
    let sandbox = sandbox(&fake).await;
    for (fault, told) in [(Fault::NoJson, "no JSON"), (Fault::Huge, "more than"), (Fault::Repeats, "401")] {
        fake.fault(fault);
        let lost = sandbox.run(bash("true")).await.unwrap_err().to_string();
        assert!(lost.contains(told) && !lost.contains(KEY), "{lost}");
    }
    assert!(!format!("{:?}", service(&fake)).contains(KEY));
    assert!(Daytona::new("http://example.com/api", KEY, "one", None, None).is_err());
}

#[tokio::test]
async fn a_sandbox_that_vanished_is_told_as_lost() {
    let fake = FakeDaytona::start().await;
    let sandbox = sandbox(&fake).await;
    fake.vanish();
    let lost = sandbox.run(bash("true")).await.unwrap_err().to_string();
    assert!(lost.contains("404"), "{lost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_reach_the_tools_of_this_host_and_hear_their_answers() {
    let fake = FakeDaytona::start().await;
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("tools");
    let listener = tokio::net::UnixListener::bind(&tools).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.into_split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    let furnishing = Furnishing { tools: true, ..Furnishing::default() };
    let sandbox = service(&fake).make("w1", &furnishing, Some(&tools)).await.unwrap();
    let program = "import os, socket
lines = [socket.socket(socket.AF_UNIX) for _ in range(3)]
for number, line in enumerate(lines):
    line.connect(os.environ['OUTBOARD_SOCKET'])
    line.sendall(bytes([65 + number]) * 200_000)
for number, line in enumerate(lines):
    heard = b''
    while len(heard) < 200_000:
        heard += line.recv(1 << 20)
    assert heard == bytes([65 + number]) * 200_000
print('heard')";
    let asked = Command {
        argv: ["/usr/bin/env", "python3", "-c", program].map(str::to_owned).to_vec(),
        merged: true,
        ..bash("")
    };
    let ran = sandbox.run(asked).await.unwrap();
    assert_eq!((ran.end, String::from_utf8_lossy(&ran.output).as_ref()), (End::Code(0), "heard\n"));
    sandbox.close().await;
}
