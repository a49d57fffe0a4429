//! The `python3` that is kept ready, beside one that is started: nobody can tell them apart by what is run here, what cannot be the
//! same is started, and no run knows anything of another.

use std::time::{Duration, Instant};

use outboard_jail::order::{End, Order};

use crate::driver::{As, Jail, everyone, order};

/// A jail that keeps a Python ready.
pub(crate) fn jail(who: As) -> Jail {
    let order = order();
    let mut environment = order.environment.clone();
    environment[0].1 = format!("{}:/usr/bin:/bin", outboard_jail::PYTHON);
    environment.push(("PYTHONPATH".to_owned(), "/opt/packages".to_owned()));
    let order = Order { ready_python: true, environment, ..order };
    Jail::of(who, &[], &order, std::process::Stdio::null())
}

/// Says whether it was started or forked: by whose child it is.
const FORKED: &str = "python3 -c 'import os; print(\"opt/\" + \"outboard/i\" in open(f\"/proc/{os.getppid()}/cmdline\").read())'";

fn is_forked(jail: &mut Jail, script: &str) -> bool {
    let ran = jail.bash(script);
    assert_eq!(ran.ended.how, End::Code(0), "{ran:?}");
    ran.output.trim_end() == "True"
}

/// Waits until one is ready.
pub(crate) fn until_ready(jail: &mut Jail) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_forked(jail, FORKED) {
        assert!(Instant::now() < deadline, "no Python is ready");
    }
}

/// What scripts of the cases find.
const FILES: &str = include_str!("python/files.sh");
/// What is run, one after another, each up to a line of dashes: with `python3` as it is found on the path.
const CASES: &str = include_str!("python/cases.sh");

#[test]
fn nobody_can_tell_the_python_that_was_ready_from_one_that_was_started() {
    let mut jail = jail(everyone().pop().unwrap());
    crate::driver::assert_done(&jail.bash(FILES));
    until_ready(&mut jail);
    let mut differ = Vec::new();
    for case in CASES.split("\n----\n") {
        let mut tried = |path: &str| {
            let ran = jail.bash(&format!("cd ~/case; export PATH={path}\n{case}"));
            // What is told of a program that is not there names the path that it would have.
            let own = format!("{}/", outboard_jail::PYTHON);
            let plain = |text: &str| without_addresses(&text.replace(&own, "/usr/bin/"));
            (plain(&ran.output), plain(&ran.errors), ran.ended.how)
        };
        let started = tried("/usr/bin:/bin");
        let ready = tried(&format!("{}:/usr/bin:/bin", outboard_jail::PYTHON));
        if started != ready {
            differ.push(format!("{case}\n  started: {started:?}\n  ready:   {ready:?}\n"));
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
    assert!(is_forked(&mut jail, FORKED), "it was ready all the while");
}

/// The text with an `@` for each address in memory, which differ from one start to the next.
fn without_addresses(text: &str) -> String {
    let mut parts = text.split("0x");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "@" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit()))
}

#[test]
fn what_a_fork_could_not_do_is_started() {
    let mut jail = jail(everyone().pop().unwrap());
    until_ready(&mut jail);
    for started in [
        FORKED.replace("python3", "python3 -u"),
        format!("export PYTHONHASHSEED=1; {FORKED}"),
        format!("export LC_ALL=C; {FORKED}"),
        format!("export HOME=/tmp; {FORKED}"),
        format!("ulimit -n 100; {FORKED}"),
        format!("trap '' USR1; {FORKED}"),
        format!("cd /tmp; touch json.py; {FORKED}"),
        format!("{FORKED} 2>&-"),
        format!("setsid -w {FORKED}"),
        format!("d=$(python3 -m site --user-site); mkdir -p $d; {FORKED}; rm -r $d"),
        FORKED.replace("python3", "nice -n 3 python3"),
    ] {
        assert!(!is_forked(&mut jail, &started), "{started}");
    }
    for forked in [
        FORKED.to_owned(),
        format!("cd /usr; umask 7; export A=1; {FORKED} 5< /dev/null"),
        format!("{} | python3 - a b", FORKED.replace("python3 -c", "echo")),
    ] {
        assert!(is_forked(&mut jail, &forked), "{forked}");
    }
}

#[test]
fn no_run_knows_of_another_and_one_that_is_ended_is_ready_again() {
    for who in everyone() {
        let mut jail = jail(who);
        until_ready(&mut jail);
        let leave = "import builtins, sys, os, json, signal; builtins.LEFT = json.LEFT = 1; sys.path.append('left'); os.environ['LEFT'] = '1'; os.chdir('/'); os.umask(0); signal.signal(10, signal.SIG_IGN); sys.setrecursionlimit(99)";
        let look = "import builtins, sys, os, json, signal; print(hasattr(builtins, 'LEFT'), hasattr(json, 'LEFT'), 'left' in sys.path, 'LEFT' in os.environ, os.getcwd(), os.umask(0), signal.getsignal(10), sys.getrecursionlimit())";
        let ran = jail.bash(&format!("python3 -c \"{look}\"; python3 -c \"{leave}\"; python3 -c \"{look}\""));
        let lines: Vec<&str> = ran.output.lines().collect();
        assert!(lines.len() == 2 && lines[0] == lines[1], "{ran:?}");
        assert!(lines[0].starts_with("False False False False /home/agent 18 "), "{ran:?}");
        // Nobody is left of it, and it is not counted as if a command had left it.
        assert!(jail.is_alone());
        crate::driver::assert_done(&jail.bash("kill -KILL -1"));
        until_ready(&mut jail);
        let sleeping = "python3 -c 'import time; time.sleep(600)'";
        let (ran, _) = jail.cut_short(sleeping, Duration::from_millis(300));
        assert_eq!((ran.ended.how, ran.ended.left), (End::Signal(9), 0));
        until_ready(&mut jail);
        // What stands for it, and its own file, cannot be changed.
        let change = "cd /opt/outboard; for f in bin/python3 interpreter/sitecustomize.py; do echo >> $f; rm $f; chmod 777 $f; done; touch bin/x";
        let ran = jail.bash(change);
        assert_eq!(ran.errors.matches("Read-only file system").count(), 7, "{ran:?}");
        jail.close();
    }
}
