//! What a jail leaves: nothing, however it ends; and what its processes hand over to Outboard's socket.

use std::{
    collections::BTreeSet,
    os::fd::OwnedFd,
    os::unix::{fs::MetadataExt as _, net::UnixListener},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use outboard_jail::order::End;

use crate::driver::{Jail, assert_done, everyone, order};

/// Every process of the machine whose command line holds this.
fn running(mark: &str) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(mark))
    })
    .collect()
}

fn gone(mark: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !running(mark).is_empty() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    true
}

/// Groups of processes that launchers have made.
fn groups(pid: u32) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    let roots =
        mounts.lines().filter(|line| line.contains(" - cgroup")).filter_map(|line| line.split(' ').nth(4));
    let name = format!("outboard-jail-{pid}");
    roots.flat_map(|root| find(Path::new(root), &name, 4)).collect()
}

fn find(folder: &Path, name: &str, depth: u8) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        if entry.file_name().to_str() == Some(name) {
            found.push(entry.path().display().to_string());
        } else if depth > 0 {
            found.extend(find(&entry.path(), name, depth - 1));
        }
    }
    found
}

#[test]
fn nothing_outlives_the_jail_and_nothing_stays() {
    for who in everyone() {
        for by_force in [false, true] {
            let mark = format!("6{:07}", std::process::id() * 4 + u32::from(by_force) * 2 + who as u32);
            let mut jail = Jail::new(who, &[]);
            let pid = jail.pid();
            let daemon = format!(
                "trap '' TERM HUP; setsid sh -c 'setsid nohup sleep {mark} & setsid sleep {mark} & ' & sleep {mark} & echo {mark} > /tmp/left"
            );
            assert_done(&jail.bash(&daemon));
            assert!(!running(&mark).is_empty(), "they run while the jail does");
            if by_force {
                jail.kill_launcher();
            } else {
                jail.close();
            }
            assert!(gone(&mark), "{who:?}, by force: {by_force}");
            if !by_force {
                assert_eq!(groups(pid), Vec::<String>::new());
            }
            let mut next = Jail::new(who, &[]);
            assert_eq!(
                groups(pid),
                Vec::<String>::new(),
                "the next jail sweeps away what a killed launcher left"
            );
            let found =
                next.bash("cat /tmp/left; ls -A /tmp /dev/shm ~; ps ax 2>/dev/null | grep -c '[s]leep'");
            assert!(!found.output.contains(&mark), "{found:?}");
            assert_eq!(found.ended.left, 0);
        }
    }
}

#[test]
fn what_runs_on_in_the_background_is_told() {
    let mut jail = Jail::new(everyone()[0], &[]);
    assert_eq!(jail.bash("sleep 500 & echo").ended.left, 1);
    assert_eq!(jail.bash("echo").ended.left, 1);
    jail.end_all();
    assert!(jail.is_alone());
}

#[test]
fn a_program_that_is_not_there_is_told_and_two_at_once_are_refused() {
    let mut jail = Jail::new(everyone()[0], &[]);
    let ran = jail.run(&["/nowhere/x"]);
    assert!(matches!(&ran.ended.how, End::NotStarted(why) if why.contains("No such file")), "{ran:?}");
    jail.begin(&["/bin/sleep", "100"]);
    jail.begin(&["/bin/echo"]);
    let second = jail.end().unwrap();
    assert_eq!(second.ended.how, End::NotStarted("another command is under way".to_owned()));
    jail.end_all();
    assert_eq!(jail.end().unwrap().ended.how, End::Signal(9));
}

/// The files that this process has open, by device and inode. Other tests open and close some meanwhile.
fn open_files() -> BTreeSet<(u64, u64)> {
    let descriptors = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    // One that is closed by now is not there.
    let facts = descriptors.filter_map(|entry| std::fs::metadata(entry.path()).ok());
    facts.map(|facts| (facts.dev(), facts.ino())).collect()
}

#[test]
fn the_tool_socket_is_reached_and_takes_no_descriptors() {
    use std::io::{Read as _, Write as _};
    for who in everyone() {
        // A socket that the launcher binds in the jail while its other holder listens here.
        let listener = UnixListener::from(outboard_jail::unbound_socket().unwrap());
        let theirs: OwnedFd = listener.try_clone().unwrap().into();
        let mut order = order();
        order.tools = true;
        let mut jail = Jail::of(who, &[], &order, Stdio::from(theirs));
        jail.begin(&[
            "/usr/bin/python3",
            "-c",
            "
import array, os, socket
s = socket.socket(socket.AF_UNIX)
s.connect('/run/outboard/tools.sock')
held = [os.open('/tmp/held', os.O_RDWR | os.O_CREAT) for _ in range(10)]
s.sendmsg([b'ping'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', held))])
print(s.recv(10), os.fstat(held[0]).st_dev, os.fstat(held[0]).st_ino)
",
        ]);
        let (mut stream, _) = listener.accept().unwrap();
        let mut said = [0; 4];
        stream.read_exact(&mut said).unwrap();
        assert_eq!(&said, b"ping");
        let open = open_files();
        stream.write_all(b"pong").unwrap();
        let output = jail.end().unwrap().output;
        let [pong, device, inode] = output.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("{output}")
        };
        assert_eq!(pong, "b'pong'");
        let held = (device.parse().unwrap(), inode.parse().unwrap());
        assert!(!open.is_empty() && !open.contains(&held), "{held:?} of {open:?}");
        let forged = jail.bash("rm -f /run/outboard/tools.sock; mv /run/outboard/tools.sock /tmp/; ls -l /run/outboard/tools.sock");
        assert!(
            forged.errors.contains("Read-only file system") && forged.output.contains("tools.sock"),
            "{forged:?}"
        );
        jail.close();
    }
}
