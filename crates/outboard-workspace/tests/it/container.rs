//! The same in a container, where this machine has an engine that makes one of its own programs.

use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    time::Duration,
};

use outboard_jail::{Protection, order::Limits};
use outboard_runtime::ports::workspace::{Command, End, Workspace};
use outboard_workspace::{
    container::{ContainerRefused, Containers, Engine, Image},
    files,
    furnishing::{Furnishing, PYTHON_PACKAGES},
};

/// An engine, what it makes containers of and how they are furnished; or that there is none is told.
fn ground() -> Option<(outboard_testkit::container::Engine, Containers, Furnishing)> {
    let found = match outboard_testkit::container::Engine::find() {
        Ok(found) => found,
        Err(why) => {
            outboard_testkit::skip(&format!("workspaces in containers: no engine makes one here: {why}"));
            return None;
        }
    };
    let containers = Containers {
        engine: Engine::of(&found.words[0], found.words[1..].iter().cloned()),
        image: Image::Folder(found.root.clone()),
    };
    let furnishing = Furnishing {
        readme: "# It's a \"Workspace\"\n".to_owned(),
        packages: vec![(Path::new(PYTHON_PACKAGES).join("made/__init__.py"), "ANSWER = 42\n".to_owned())],
        shown: found.show.clone(),
        limits: Limits { memory: 256 << 20, disk: 32 << 20, processes: 64, ..Limits::default() },
        ..Furnishing::default()
    };
    Some((found, containers, furnishing))
}

/// Of this process and this test.
fn name(test: &str) -> String {
    format!("outboard-test-{}-{test}", std::process::id())
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

async fn said(workspace: &dyn Workspace, script: &str) -> String {
    String::from_utf8_lossy(&workspace.run(bash(script)).await.unwrap().output).into_owned()
}

#[tokio::test]
async fn a_container_is_a_workspace_too() {
    let Some((ground, containers, furnishing)) = ground() else { return };
    let name = name("whole");
    let container = containers.make(&name, &furnishing, None).await.unwrap();
    let first =
        container.run(bash("cat README.md; id -u; echo kept > f; echo oops >&2; exit 3")).await.unwrap();
    assert_eq!(first.end, End::Code(3));
    let text = String::from_utf8_lossy(&first.output).into_owned();
    assert!(text.starts_with("# It's a \"Workspace\"\n1000\n"), "{first:?}");
    assert_eq!(said(&container, "cat f").await, "kept\n");
    assert_eq!(said(&container, "cd /tmp; python3 -c 'import made; print(made.ANSWER)'").await, "42\n");
    // What the engine was asked for is there, as seen from within.
    let standing =
        |protection| container.standings().iter().find(|one| one.protection == protection).unwrap();
    for protection in [
        Protection::Root,
        Protection::ReadOnlyRoot,
        Protection::PidNamespace,
        Protection::NetNamespace,
        Protection::IpcNamespace,
        Protection::UtsNamespace,
        Protection::Seccomp,
        Protection::Capabilities,
        Protection::NoNewPrivileges,
        Protection::ProcessLimits,
        Protection::Disk,
    ] {
        assert!(standing(protection).in_force, "{:?}", standing(protection));
    }
    let walls = said(
        &container,
        "touch /usr/x /x /etc/x 2>&1 | grep -c Read-only; ls /home; cat /proc/net/dev | grep -vc lo:",
    )
    .await;
    assert_eq!(walls, "3\nagent\n2\n");
    let full = said(
        &container,
        "{ head -c 40000000 /dev/zero > big; } 2>&1; rm big; touch /var/tmp/x /var/x /run/x 2>&1 | wc -l",
    )
    .await;
    assert!(full.contains("No space left on device") && full.ends_with("\n3\n"), "{full}");
    files::write(&container, "d/in", b"bytes".to_vec()).await.unwrap();
    assert_eq!(files::read(&container, "d/in").await.unwrap(), b"bytes");
    // A deadline ends what runs, and the next command goes on.
    let endless = Command {
        deadline: Duration::from_secs(1),
        ..bash("trap '' TERM; echo begun; sleep 600 & sleep 600")
    };
    let cut = container.run(endless).await.unwrap();
    assert_eq!((cut.end, String::from_utf8_lossy(&cut.output).as_ref()), (End::Deadline, "begun\n"));
    assert_eq!(said(&container, "echo alive").await, "alive\n");
    container.close().await;
    assert!(container.run(bash("true")).await.is_err());
    // Its name is free: nothing of it is left. Nor is anything in the folder that it was made of.
    containers.make(&name, &furnishing, None).await.unwrap().close().await;
    assert!(!ground.root.join("home").exists() && !ground.root.join("opt").exists());
}

#[tokio::test]
async fn a_socket_of_the_hosts_is_reached_from_a_container() {
    let Some((_ground, containers, furnishing)) = ground() else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("tools");
    let listener = UnixListener::bind(&socket).unwrap();
    std::fs::set_permissions(&socket, std::os::unix::fs::PermissionsExt::from_mode(0o666)).unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = [0; 4];
        stream.read_exact(&mut asked).unwrap();
        stream.write_all(&asked).unwrap();
    });
    let furnishing = Furnishing { tools: true, ..furnishing };
    let container = containers.make(&name("tools"), &furnishing, Some(&socket)).await.unwrap();
    let ask = "import os, socket; s = socket.socket(socket.AF_UNIX); s.connect(os.environ['OUTBOARD_SOCKET']); s.sendall(b'ping'); print(s.recv(4))";
    assert_eq!(said(&container, &format!("python3 -c \"{ask}\"")).await, "b'ping'\n");
    // Its name stands there, and nothing else of the folder that it lies in.
    let around = said(&container, "ls /run/outboard; rm /run/outboard/tools.sock 2>&1").await;
    assert!(around.starts_with("tools.sock\nrm: cannot remove"), "{around}");
    container.close().await;
    answering.join().unwrap();
}

#[tokio::test]
async fn what_a_container_lacks_and_must_have_refuses_it() {
    let Some((_ground, containers, furnishing)) = ground() else { return };
    let name = name("lacks");
    let strict = Furnishing { required: vec![Protection::Landlock], ..furnishing.clone() };
    let refused = containers.make(&name, &strict, None).await.err().unwrap();
    assert!(
        matches!(refused, ContainerRefused::Missing { protection: Protection::Landlock, .. }),
        "{refused}"
    );
    // Its name is free again.
    containers.make(&name, &furnishing, None).await.unwrap().close().await;
}

#[tokio::test]
async fn an_engine_that_leaves_a_wall_out_is_found_out() {
    let Some((ground, containers, furnishing)) = ground() else { return };
    for (instead, protection) in [
        (&[("--hostname", "--security-opt"), ("workspace", "seccomp=unconfined")][..], Protection::Seccomp),
        (&[("--hostname", "--pid"), ("workspace", "host")], Protection::PidNamespace),
        (&[("none", "host"), ("workspace", "localhost")], Protection::NetNamespace),
        (&[("all", "CHOWN")], Protection::Capabilities),
        (&[("--read-only", "--read-only=false")], Protection::ReadOnlyRoot),
        (&[("no-new-privileges", "label=disable")], Protection::NoNewPrivileges),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let lax =
            Containers { engine: disobedient(folder.path(), &ground.words, instead), ..containers.clone() };
        let refused = lax.make(&name(protection.name()), &furnishing, None).await.err();
        let Some(ContainerRefused::Missing { protection: missing, .. }) = refused else {
            panic!("{}: {refused:?}", protection.name());
        };
        assert_eq!(missing, protection);
    }
}

/// The same engine, which takes other words for some: a shell, under the name by which Podman is known, with a script.
fn disobedient(folder: &Path, words: &[String], instead: &[(&str, &str)]) -> Engine {
    let (program, script) = (folder.join("podman"), folder.join("script"));
    std::os::unix::fs::symlink("/bin/bash", &program).unwrap();
    let cases: String = instead.iter().map(|(asked, done)| format!("'{asked}') word='{done}' ;; ")).collect();
    let loop_ = format!("words=(); for word; do case \"$word\" in {cases} esac; words+=(\"$word\"); done");
    std::fs::write(&script, format!("{loop_}\nexec {} \"${{words[@]}}\"\n", words.join(" "))).unwrap();
    Engine::of(program.to_str().unwrap(), [script.to_str().unwrap().to_owned()])
}

#[tokio::test]
async fn an_engine_that_is_not_there_or_takes_no_folder_is_told() {
    let none = Containers { engine: Engine::of("/not/there", []), image: Image::Named("none".to_owned()) };
    let refused = none.make("outboard-none", &Furnishing::default(), None).await.err().unwrap();
    assert!(matches!(refused, ContainerRefused::NoEngine { .. }), "{refused}");
    let docker = Containers { engine: Engine::of("docker", []), image: Image::Folder(PathBuf::from("/")) };
    let refused = docker.make("outboard-none", &Furnishing::default(), None).await.err().unwrap();
    assert_eq!(refused.to_string(), "`docker` makes no container of a folder: name an image, or use podman");
}
