//! Everything that keeps a container in, as arguments of the engine. That an engine does what it is asked for is not believed
//! here; `standing` looks.

use std::path::Path;

use outboard_jail::{HOME, TOOLS, order::Limits};

use super::{Containers, FIRST, Image};
use crate::furnishing::{Furnishing, NODE_PACKAGES};

/// Processes of the same user in all containers together.
const PROCESSES_OF_USER: u32 = 4_096;
/// Whoever works in it.
pub(super) const USER: u32 = 1_000;
/// Where the system of an image usually has its programs.
const PROGRAMS: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];
/// What can be written: the agent's own places, and those where packages are put. Each has a limit of its own.
const PLACES: [&str; 4] = [HOME, "/tmp", "/opt/outboard", NODE_PACKAGES];

/// How a container of this name is made and begun, with this socket of the host's for tool calls.
pub(super) fn arguments(
    containers: &Containers,
    name: &str,
    furnishing: &Furnishing,
    tools: Option<&Path>,
) -> Vec<String> {
    let podman = containers.engine.is_podman();
    let user = format!("{USER}:{USER}");
    let mut arguments: Vec<String> = [
        "run",
        "--rm",
        "--interactive",
        "--name",
        name,
        "--network",
        "none",
        "--ipc",
        "private",
        "--cgroupns",
        "private",
        "--read-only",
        "--cap-drop",
        "all",
        "--security-opt",
        "no-new-privileges",
        "--user",
        &user,
        "--workdir",
        HOME,
        "--hostname",
        "workspace",
        "--ulimit",
        "core=0:0",
    ]
    .map(str::to_owned)
    .to_vec();
    if podman {
        // It would add places without a limit.
        arguments.push("--read-only-tmpfs=false".to_owned());
    }
    limits(&mut arguments, &furnishing.limits, podman);
    for (variable, value) in furnishing.environment() {
        arguments.extend(["--env".to_owned(), format!("{variable}={value}")]);
    }
    if !furnishing.shown.is_empty() {
        // Otherwise the image knows its own best.
        arguments.extend(["--env".to_owned(), format!("PATH={}", furnishing.search_path(&PROGRAMS))]);
    }
    let shown = furnishing.shown.iter().map(|path| (path.as_path(), path.as_path()));
    for (host, inside) in shown.chain(tools.map(|socket| (socket, Path::new(TOOLS)))) {
        let volume = format!("{}:{}:ro", host.display(), inside.display());
        arguments.extend(["--volume".to_owned(), volume]);
    }
    match &containers.image {
        Image::Named(image) => arguments.push(image.clone()),
        // A layer over it, because the engine makes places in it to mount at.
        Image::Folder(folder) => {
            arguments.extend(["--rootfs".to_owned(), format!("{}:O", folder.display())]);
        }
    }
    arguments.extend(["/bin/bash", "-c", FIRST].map(str::to_owned));
    arguments
}

fn limits(arguments: &mut Vec<String>, limits: &Limits, podman: bool) {
    let Limits { memory, disk, files, processes, cpu_percent, open_files, cpu_seconds } = *limits;
    // Podman would copy what the image has there, and its owner, and takes no number of files.
    let more = if podman { ",notmpcopyup".to_owned() } else { format!(",nr_inodes={files}") };
    for (option, value) in [
        ("--pids-limit", processes.to_string()),
        ("--memory", memory.to_string()),
        ("--memory-swap", memory.to_string()),
        ("--cpus", format!("{}.{:02}", cpu_percent / 100, cpu_percent % 100)),
        ("--ulimit", format!("nofile={open_files}:{open_files}")),
        ("--ulimit", format!("cpu={cpu_seconds}:{cpu_seconds}")),
        // What engines set by themselves is more than some hosts allow. The group bounds this container.
        ("--ulimit", format!("nproc={PROCESSES_OF_USER}:{PROCESSES_OF_USER}")),
    ] {
        arguments.extend([option.to_owned(), value]);
    }
    for place in PLACES {
        let place = format!("{place}:rw,nosuid,nodev,exec,mode=1777,size={disk}{more}");
        arguments.extend(["--tmpfs".to_owned(), place]);
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::container::Engine;

    #[test]
    fn every_container_is_kept_in_and_bounded() {
        let podman = Engine::of("podman", ["--runtime".to_owned(), "runc".to_owned()]);
        let named = Containers { engine: podman, image: Image::Named("debian:12".to_owned()) };
        let furnishing = Furnishing {
            limits: Limits { cpu_percent: 150, ..Limits::default() },
            tools: true,
            shown: vec![PathBuf::from("/not/there")],
            ..Furnishing::default()
        };
        let socket = Some(Path::new("/state/tools"));
        let line = arguments(&named, "outboard-1", &furnishing, socket).join(" ");
        for wanted in [
            "run --rm --interactive --name outboard-1 --network none --ipc private --cgroupns private --read-only --cap-drop all --security-opt no-new-privileges",
            "--user 1000:1000",
            "--read-only-tmpfs=false",
            "--pids-limit 256 --memory 2147483648 --memory-swap 2147483648 --cpus 1.50",
            "--ulimit cpu=3600:3600",
            "--tmpfs /home/agent:rw,nosuid,nodev,exec,mode=1777,size=536870912,notmpcopyup",
            "--env OUTBOARD_SOCKET=/run/outboard/tools.sock",
            "--env PATH=/usr/local/sbin:",
            "--volume /not/there:/not/there:ro",
            "--volume /state/tools:/run/outboard/tools.sock:ro debian:12 /bin/bash -c ",
        ] {
            assert!(line.contains(wanted), "{wanted}: {line}");
        }
        let folder = Containers { image: Image::Folder(PathBuf::from("/srv/root")), ..named };
        let bare = Furnishing::default();
        let line = arguments(&folder, "x", &bare, None).join(" ");
        assert!(line.contains("--rootfs /srv/root:O /bin/bash -c "), "{line}");
        assert!(!line.contains("--volume") && !line.contains("OUTBOARD_SOCKET"), "{line}");
        let docker = Containers { engine: Engine::of("docker", []), ..folder };
        let line = arguments(&docker, "x", &bare, None).join(" ");
        assert!(line.contains(",nr_inodes=50000 ") && !line.contains("read-only-tmpfs"), "{line}");
    }
}
