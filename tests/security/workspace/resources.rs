//! Whoever takes all there is gets no more than the jail has, is ended when it is told, and leaves the jail usable.

use std::time::Duration;

use outboard_jail::order::End;

use crate::driver::{As, Jail, LIMITS, assert_done, everyone};

/// How long ending everything may take on a busy machine.
const SOON: Duration = Duration::from_secs(5);

/// Scripts that never end by themselves.
const ENDLESS: &[(&str, &str)] = &[
    ("a loop", "while :; do :; done"),
    ("sleep", "sleep 1000"),
    ("who ignores signals", "trap '' TERM INT HUP QUIT; while :; do sleep 1000; done"),
    ("whoever leaves the session", "setsid sh -c 'setsid sleep 1000 & sleep 1000' & wait"),
    ("a fork bomb", ":(){ :|:& };: ; wait; sleep 1000"),
    (
        "threads",
        "exec python3 -c 'import threading, time\nwhile True:\n try: threading.Thread(target=time.sleep, args=(1000,)).start()\n except RuntimeError: time.sleep(0.01)'",
    ),
    ("a regular expression", "exec python3 -c 'import re; re.match(r\"(a+)+$\", \"a\" * 40 + \"b\")'"),
    ("a big number", "exec python3 -c '2 ** (10 ** 10)'"),
    ("output", "exec yes"),
    ("output on both streams", "yes & exec yes >&2"),
];

#[test]
fn what_never_ends_is_ended_and_the_jail_goes_on() {
    for who in everyone() {
        let mut jail = Jail::new(who, &[]);
        for (what, script) in ENDLESS {
            let (ran, took) = jail.cut_short(script, Duration::from_millis(150));
            assert!(took < SOON, "{what} as {who:?}: {took:?}");
            assert_ne!(ran.ended.how, End::Code(0), "{what}");
            assert!(ran.output.len() <= 1 << 20, "{what}");
            assert_eq!(jail.bash("echo alive").output, "alive\n", "after {what}");
            assert!(jail.is_alone(), "after {what}");
        }
        jail.close();
    }
}

#[test]
fn what_takes_too_much_fails_and_the_jail_goes_on() {
    let python = |code: &str| format!("exec python3 -c '{code}'");
    for who in everyone() {
        let mut jail = Jail::new(who, &[]);
        for (what, script, failing) in [
            ("one huge allocation", python("bytearray(64 << 30)"), "MemoryError"),
            (
                "descriptors",
                python("fs = [open(\"/dev/null\") for _ in range(10000)]"),
                "Too many open files",
            ),
            ("recursion", python("f = lambda: f()\nf()"), "RecursionError"),
            ("nested brackets", python("eval(\"(\" * 100000)"), "Error"),
            ("disk", "head -c 100M /dev/zero > big".to_owned(), ""),
            (
                "disk in pieces",
                "for i in 1 2 3 4; do head -c 15M /dev/zero > /tmp/$i || exit 1; done".to_owned(),
                "No space left",
            ),
            ("files", "for i in $(seq 3000); do : > /tmp/f$i || exit 1; done".to_owned(), "No space left"),
            ("a segfault", "exec python3 -c 'import ctypes; ctypes.string_at(0)'".to_owned(), ""),
            ("abort", "exec python3 -c 'import os; os.abort()'".to_owned(), ""),
        ] {
            let ran = jail.bash(&script);
            assert_ne!(ran.ended.how, End::Code(0), "{what} as {who:?}: {ran:?}");
            assert!(ran.errors.contains(failing), "{what} as {who:?}: {ran:?}");
            let tidied = jail.bash("rm -rf /tmp/* big; ls -A /tmp /dev/shm; echo alive");
            assert!(tidied.output.ends_with("alive\n"), "after {what}: {tidied:?}");
            assert!(!tidied.output.contains("core"), "{what} leaves no core file: {tidied:?}");
        }
        jail.close();
    }
}

#[test]
fn more_memory_than_there_is_ends_who_takes_it_and_nobody_outside() {
    let bomb = "exec python3 -c 'held = []\nwhile True: held.append(bytearray(b\"x\") * (8 << 20))'";
    let zip = "exec python3 -c 'import zlib; z = zlib.compress(bytes(200 << 20), 9); held = [zlib.decompress(z) for _ in range(20)]'";
    for who in everyone() {
        let mut jail = Jail::new(who, &[]);
        for script in [bomb, zip] {
            let ran = jail.bash(script);
            assert_ne!(ran.ended.how, End::Code(0), "{who:?}: {ran:?}");
            assert_eq!(jail.bash("echo alive").output, "alive\n");
        }
        jail.close();
    }
}

#[test]
#[ignore = "long: thirty interpreters that fill their memory"]
fn many_that_are_small_have_no_more_together() {
    for who in everyone() {
        let mut jail = Jail::new(who, &[]);
        let many = jail.bash(
            "for i in $(seq 30); do python3 -c 'import time; x = bytearray(b\"x\") * (30 << 20); time.sleep(20)' & done; wait -n; kill $(jobs -p) 2>/dev/null; wait",
        );
        assert!(many.ended.out_of_memory || who == As::Root, "{many:?}");
        assert_eq!(jail.bash("echo alive").output, "alive\n");
        jail.close();
    }
}

#[test]
fn output_beyond_the_bound_is_counted_and_dropped() {
    let mut jail = Jail::new(everyone()[0], &[]);
    let ran = jail.bash("head -c 3000000 /dev/zero | tr '\\0' x");
    assert_done(&ran);
    assert_eq!((ran.output.len() as u64, ran.ended.dropped), (1 << 20, 3_000_000 - (1 << 20)));
}

#[test]
fn processes_are_bounded_for_the_jail_as_a_whole() {
    for who in everyone() {
        let mut jail = Jail::new(who, &[]);
        // Half of them stay in the background, so that not all of the second half fits.
        let forty = "import os\nfor _ in range(40): os.posix_spawn('/bin/sleep', ['sleep', '600'], {})";
        assert_done(&jail.run(&["/usr/bin/python3", "-c", forty]));
        let ran = jail.run(&["/usr/bin/python3", "-c", forty]);
        assert!(ran.errors.contains("BlockingIOError"), "{who:?}: {ran:?}");
        assert!((40..LIMITS.processes).contains(&ran.ended.left), "{who:?}: {ran:?}");
        jail.end_all();
        jail.close();
    }
}
