//! A jail as the suite drives it: started, told to run something, and ended. Every wait has a deadline.

use std::{
    collections::BTreeMap,
    io::Read as _,
    os::fd::OwnedFd,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use outboard_jail::{
    NAME, Protection,
    frame::{self, Kind},
    order::{Answer, End, Ended, Limits, Order, Run, Shown},
};

/// How long anything may take before the suite fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// The user as whom it is tried beside root.
const NOBODY: &str = "65534";

/// The attempts.
pub(crate) const ATTEMPTS: &str = include_str!("attempts.py");

/// As whom the launcher is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum As {
    Root,
    Ordinary,
}

/// As whom jails can be made here. What cannot be tried is told.
pub(crate) fn everyone() -> Vec<As> {
    let root = nix_root();
    if !root {
        outboard_testkit::skip("the jail as root: this is not root");
    } else if !have("setpriv") {
        outboard_testkit::skip("the jail as an ordinary user: there is no setpriv here");
    }
    [(As::Root, root), (As::Ordinary, !root || have("setpriv"))]
        .into_iter()
        .filter_map(|(who, possible)| possible.then_some(who))
        .collect()
}

fn nix_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|of| std::os::unix::fs::MetadataExt::uid(&of) == 0)
}

fn have(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|at| at.join(program).is_file()))
}

/// A folder of the suite that everybody may look into.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("outboard-jail-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        open_to_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// What there is outside of the jail, for attempts to look for.
pub(crate) struct Outside {
    folder: Folder,
    shared: PathBuf,
    victim: Child,
    _listeners: (UnixListener, UnixListener, std::net::TcpListener),
    json: String,
}

impl Outside {
    pub(crate) fn new() -> Self {
        use std::os::{linux::net::SocketAddrExt as _, unix::fs::PermissionsExt as _, unix::net::SocketAddr};
        let folder = Folder::new();
        let file = folder.0.join("outside.txt");
        std::fs::write(&file, "outside").unwrap();
        let name = folder.0.file_name().unwrap().to_str().unwrap().to_owned();
        let shared = Path::new("/dev/shm").join(&name);
        std::fs::write(&shared, "x").unwrap();
        let socket = folder.0.join("socket");
        let by_path = UnixListener::bind(&socket).unwrap();
        std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o777)).unwrap();
        let by_name = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let victim = Command::new("sleep").arg("600").spawn().unwrap();
        let uname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        let json = serde_json::json!({
            "pid": std::process::id(),
            "victim": victim.id(),
            "file": file,
            "shm": shared,
            "socket": socket,
            "abstract": name,
            "port": port.local_addr().unwrap().port(),
            "name": uname.trim(),
            "ipc": std::fs::read_link("/proc/self/ns/ipc").unwrap(),
        });
        Self { folder, shared, victim, _listeners: (by_path, by_name, port), json: json.to_string() }
    }

    /// What comes of these attempts when nothing holds them.
    pub(crate) fn tried_outside(&self, who: As, names: &[&str]) -> BTreeMap<String, String> {
        let script = self.folder.0.join("attempts.py");
        std::fs::write(&script, ATTEMPTS).unwrap();
        let mut command = as_whom(who, Path::new("/usr/bin/python3"), None);
        command.arg(script).arg(&self.json).args(names).env("OUTBOARD_TEST_SECRET", "x");
        let ended = command.stdin(Stdio::null()).output().unwrap();
        outcomes(&ended.stdout, &ended.stderr)
    }

    /// Whether who was to be hit still lives.
    pub(crate) fn victim_lives(&mut self) -> bool {
        matches!(self.victim.try_wait(), Ok(None))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.victim.kill();
        let _ = self.victim.wait();
        let _ = std::fs::remove_file(&self.shared);
    }
}

/// A command as this user; as the launcher if it is to have its name.
fn as_whom(who: As, program: &Path, name: Option<&str>) -> Command {
    if who == As::Ordinary && nix_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]);
        match name {
            None => command.arg(program),
            Some(name) => command.args(["bash", "-c", "exec -a \"$0\" \"$@\"", name]).arg(program),
        };
        return command;
    }
    let mut command = Command::new(program);
    if let Some(name) = name {
        std::os::unix::process::CommandExt::arg0(&mut command, name);
    }
    command
}

/// A jail.
pub(crate) struct Jail {
    child: Child,
    control: UnixStream,
    pub(crate) answer: Answer,
    _copy: Option<Folder>,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) output: String,
    pub(crate) errors: String,
    pub(crate) ended: Ended,
}

/// Small enough that every bomb of the suite is harmless.
pub(crate) const LIMITS: Limits = Limits {
    memory: 256 << 20,
    disk: 32 << 20,
    files: 2_000,
    processes: 64,
    cpu_seconds: 60,
    open_files: 256,
    cpu_percent: 100,
};

pub(crate) fn order() -> Order {
    Order {
        shown: Vec::new(),
        files: vec![
            (PathBuf::from("/home/agent/attempts.py"), ATTEMPTS.to_owned()),
            (PathBuf::from("/etc/passwd"), "agent:x:1000:1000::/home/agent:/bin/bash\n".to_owned()),
        ],
        environment: [("PATH", "/usr/bin:/bin"), ("HOME", outboard_jail::HOME), ("LANG", "C.UTF-8")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        limits: LIMITS,
        required: Vec::new(),
        ready_python: false,
        tools: false,
    }
}

impl Jail {
    /// A jail with these protections switched off.
    pub(crate) fn new(who: As, off: &[Protection]) -> Self {
        Self::of(who, off, &order(), Stdio::null())
    }

    pub(crate) fn of(who: As, off: &[Protection], order: &Order, tools: Stdio) -> Self {
        let (program, folder) = launcher();
        let (control, theirs) = UnixStream::pair().unwrap();
        control.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut command = as_whom(who, &program, Some(NAME));
        command
            .args(off.iter().map(|protection| protection.name()))
            .stdin(OwnedFd::from(theirs))
            .stdout(tools)
            // Secrets and descriptors of Outboard's that the jail must not get.
            .env("OUTBOARD_TEST_SECRET", "x");
        let child = command.spawn().unwrap();
        // It holds the other end of the stream, whose end would not be seen.
        drop(command);
        let mut jail = Self { child, control, answer: Answer::Ready(Vec::new()), _copy: folder };
        frame::write(&mut jail.control, Kind::Order, &serde_json::to_vec(order).unwrap()).unwrap();
        let (kind, body) = frame::read(&mut jail.control).unwrap().expect("the launcher answers");
        assert_eq!(kind, Kind::Answer);
        jail.answer = serde_json::from_slice(&body).unwrap();
        jail
    }

    /// The protections and whether they are in force.
    pub(crate) fn standing(&self, protection: Protection) -> bool {
        let Answer::Ready(standings) = &self.answer else { panic!("{:?}", self.answer) };
        standings.iter().find(|standing| standing.protection == protection).is_some_and(|one| one.in_force)
    }

    pub(crate) fn begin(&mut self, command: &[&str]) {
        let Answer::Ready(_) = &self.answer else { panic!("{:?}", self.answer) };
        let argv = command.iter().map(|word| (*word).to_owned()).collect();
        let run = Run { argv, input: false, merged: false, output: 1 << 20 };
        frame::write(&mut self.control, Kind::Run, &serde_json::to_vec(&run).unwrap()).unwrap();
    }

    pub(crate) fn end_all(&mut self) {
        frame::write(&mut self.control, Kind::EndAll, b"").unwrap();
    }

    /// Waits for the end of what was begun; `None` if the jail ends instead.
    pub(crate) fn end(&mut self) -> Option<Ran> {
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        loop {
            match frame::read(&mut self.control).ok()?? {
                (Kind::Output, bytes) => output.extend(bytes),
                (Kind::Errors, bytes) => errors.extend(bytes),
                (Kind::Ended, body) => {
                    let ended = serde_json::from_slice(&body).unwrap();
                    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
                    return Some(Ran { output: text(output), errors: text(errors), ended });
                }
                (kind, _) => panic!("{kind:?}"),
            }
        }
    }

    pub(crate) fn run(&mut self, command: &[&str]) -> Ran {
        self.begin(command);
        self.end().expect("the jail lives")
    }

    pub(crate) fn bash(&mut self, script: &str) -> Ran {
        self.run(&["/bin/bash", "-c", script])
    }

    /// Whether nobody is in the jail but its first process, soon: who is ended takes a moment to be gone.
    pub(crate) fn is_alone(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.run(&["/bin/true"]).ended.left > 0 {
            if Instant::now() > deadline {
                return false;
            }
        }
        true
    }

    /// Begins, waits so long, ends everything, and tells how long that took.
    pub(crate) fn cut_short(&mut self, script: &str, after: Duration) -> (Ran, Duration) {
        self.begin(&["/bin/bash", "-c", script]);
        std::thread::park_timeout(after);
        let told = Instant::now();
        self.end_all();
        let ran = self.end().expect("the jail lives");
        (ran, told.elapsed())
    }

    /// What comes of attempts in the jail.
    pub(crate) fn tried(&mut self, outside: &Outside, names: &[&str]) -> BTreeMap<String, String> {
        self.tried_by("/usr/bin/python3", outside, names)
    }

    /// The same by this interpreter.
    pub(crate) fn tried_by(
        &mut self,
        python: &str,
        outside: &Outside,
        names: &[&str],
    ) -> BTreeMap<String, String> {
        let command = [&[python, "/home/agent/attempts.py", &outside.json], names].concat();
        let ran = self.run(&command);
        outcomes(ran.output.as_bytes(), ran.errors.as_bytes())
    }

    /// Ends the jail as Outboard does, and waits.
    pub(crate) fn close(mut self) {
        let _ = self.control.shutdown(std::net::Shutdown::Both);
        assert!(ends(&mut self.child), "the launcher ends");
    }

    /// The pid of the launcher.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn kill_launcher(&mut self) {
        self.child.kill().unwrap();
        assert!(ends(&mut self.child), "the launcher ends");
        let mut rest = Vec::new();
        let _ = self.control.read_to_end(&mut rest);
    }
}

impl Drop for Jail {
    fn drop(&mut self) {
        let _ = self.control.shutdown(std::net::Shutdown::Both);
        if !ends(&mut self.child) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn ends(child: &mut Child) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
    false
}

/// What `cargo test` built beside the suite, or a copy where not everybody may look into the folder that it is in.
fn launcher() -> (PathBuf, Option<Folder>) {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let path = profile.join("examples/outboard-jail-weakened");
    assert!(path.is_file(), "no launcher: run `cargo build -p outboard-jail --examples`");
    let open = |folder: &Path| {
        folder.metadata().is_ok_and(|of| std::os::unix::fs::MetadataExt::mode(&of) & 0o001 != 0)
    };
    if path.ancestors().skip(1).all(open) {
        return (path, None);
    }
    let folder = Folder::new();
    let copy = folder.0.join("launcher");
    // By another process: a child that another test forks meanwhile would hold it open for writing, and what is open so
    // cannot be run.
    assert!(Command::new("cp").arg(&path).arg(&copy).status().unwrap().success());
    (copy, Some(folder))
}

fn outcomes(output: &[u8], errors: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(output);
    assert!(errors.is_empty(), "{}", String::from_utf8_lossy(errors));
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(name, outcome)| (name.to_owned(), outcome.to_owned())).collect()
}

/// That a command ended well.
pub(crate) fn assert_done(ran: &Ran) {
    assert_eq!(ran.ended.how, End::Code(0), "{ran:?}");
}

/// Something of the host's, seen in the jail.
pub(crate) fn shown(host: &Path, inside: &str) -> Shown {
    Shown { host: host.to_owned(), inside: PathBuf::from(inside) }
}
