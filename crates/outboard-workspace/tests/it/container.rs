//! The same in a container, with the engine that `OUTBOARD_TEST_ENGINE` names (`podman --runtime runc`) and the root file
//! system at `OUTBOARD_TEST_ROOTFS`, as `debootstrap` makes one (with a folder `/home/agent`).

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use outboard_jail::order::Limits;
use outboard_runtime::ports::workspace::{Command, End, Workspace};
use outboard_workspace::{
    container::{ContainerRefused, Containers, Image},
    files,
};

fn containers() -> Option<Containers> {
    let folder = PathBuf::from(std::env::var_os("OUTBOARD_TEST_ROOTFS")?);
    let engine = std::env::var("OUTBOARD_TEST_ENGINE").unwrap_or_else(|_| "podman".to_owned());
    Some(Containers {
        engine: engine.split(' ').map(str::to_owned).collect(),
        image: Image::Folder(folder),
        limits: Limits { memory: 256 << 20, disk: 32 << 20, processes: 64, ..Limits::default() },
        environment: Vec::new(),
        readme: "# Workspace\n".to_owned(),
    })
}

fn bash(script: &str) -> Command {
    Command {
        argv: ["/bin/bash", "-c", script].map(str::to_owned).to_vec(),
        input: None,
        merged: true,
        output: 1 << 20,
        deadline: Duration::from_secs(30),
    }
}

#[tokio::test]
#[ignore = "long: takes an engine and a root file system of its own"]
async fn a_container_is_a_workspace_too() {
    let Some(containers) = containers() else {
        panic!("set OUTBOARD_TEST_ROOTFS (and OUTBOARD_TEST_ENGINE)");
    };
    let name = format!("outboard-test-{}", std::process::id());
    let container = containers.make(&name).await.unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let first =
        container.run(bash("cat README.md; id -u; echo kept > f; echo oops >&2; exit 3")).await.unwrap();
    assert_eq!(first.end, End::Code(3));
    assert!(text(&first.output).starts_with("# Workspace\n1000\n"), "{first:?}");
    assert_eq!(text(&container.run(bash("cat f")).await.unwrap().output), "kept\n");
    // No network, no rights, no writing elsewhere.
    let walls = "cat /proc/net/dev | grep -vc lo: ; grep CapEff /proc/self/status; touch /usr/x; cat /etc/shadow; true";
    let walls = text(&container.run(bash(walls)).await.unwrap().output);
    assert!(
        walls.contains("CapEff:\t0000000000000000") && walls.contains("Read-only file system"),
        "{walls}"
    );
    assert!(walls.starts_with("2\n") && walls.contains("Permission denied"), "{walls}");
    files::write(&container, "d/in", b"bytes".to_vec()).await.unwrap();
    assert_eq!(files::read(&container, "d/in").await.unwrap(), b"bytes");
    // A deadline ends what runs, and the next command goes on.
    let endless = Command {
        deadline: Duration::from_secs(1),
        ..bash("trap '' TERM; echo begun; sleep 600 & sleep 600")
    };
    let began = Instant::now();
    let cut = container.run(endless).await.unwrap();
    assert_eq!((cut.end, text(&cut.output).as_str()), (End::Deadline, "begun\n"));
    assert!(began.elapsed() < Duration::from_secs(15));
    assert_eq!(text(&container.run(bash("echo alive")).await.unwrap().output), "alive\n");
    container.close().await;
    assert!(container.run(bash("true")).await.is_err());
    // Its name is free: nothing of it is left.
    containers.make(&name).await.unwrap().close().await;
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_told() {
    let containers = Containers {
        engine: vec!["/not/there".to_owned()],
        image: Image::Named("none".to_owned()),
        limits: Limits::default(),
        environment: Vec::new(),
        readme: String::new(),
    };
    let refused = containers.make("outboard-none").await.err().unwrap();
    assert!(matches!(refused, ContainerRefused::NoEngine { .. }), "{refused}");
}
