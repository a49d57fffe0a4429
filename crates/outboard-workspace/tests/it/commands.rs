//! Commands: what comes of them, deadlines, who gives up, and a jail that dies.

use std::time::{Duration, Instant};

use outboard_runtime::ports::workspace::{Command, End, Ran, Workspace};

use crate::jail;

fn bash(script: &str) -> Command {
    Command {
        argv: ["/bin/bash", "-c", script].map(str::to_owned).to_vec(),
        input: None,
        merged: true,
        output: 1 << 20,
        deadline: Duration::from_secs(30),
    }
}

fn text(ran: &Ran) -> String {
    String::from_utf8(ran.output.clone()).unwrap()
}

#[tokio::test]
async fn commands_run_one_after_another_and_files_last() {
    let jail = jail().await;
    let (first, second) = tokio::join!(
        jail.run(bash("sleep 0.2; echo first > f; echo done; echo oops >&2")),
        jail.run(bash("cat f README.md")),
    );
    let (first, second) = (first.unwrap(), second.unwrap());
    assert_eq!((text(&first).as_str(), first.end), ("done\noops\n", End::Code(0)));
    assert_eq!(text(&second), "first\n# Workspace\n");
    let apart = Command { merged: false, ..bash("echo out; echo err >&2; exit 3") };
    let apart = jail.run(apart).await.unwrap();
    assert_eq!(
        (&apart.output[..], &apart.errors[..], apart.end),
        (&b"out\n"[..], &b"err\n"[..], End::Code(3))
    );
    let input = Command { input: Some(b"x".repeat(1 << 20)), ..bash("wc -c") };
    assert_eq!(text(&jail.run(input).await.unwrap()).trim(), "1048576");
    jail.close().await;
    assert!(jail.run(bash("true")).await.is_err());
}

#[tokio::test]
async fn a_deadline_ends_everything_and_the_next_command_runs() {
    let jail = jail().await;
    jail.run(bash("sleep 600 & echo")).await.unwrap();
    let (began, endless) = (Instant::now(), Command { deadline: Duration::from_millis(200), ..bash("yes") });
    let ran = jail.run(endless).await.unwrap();
    assert_eq!(ran.end, End::Deadline);
    assert_eq!(ran.output.len(), 1 << 20);
    assert!(ran.dropped > 0 && began.elapsed() < Duration::from_secs(10));
    let next = jail.run(bash("echo alive")).await.unwrap();
    assert_eq!(text(&next), "alive\n");
    jail.close().await;
}

#[tokio::test]
async fn who_gives_up_a_command_ends_it() {
    let jail = jail().await;
    let endless = bash("touch began; sleep 600");
    assert!(tokio::time::timeout(Duration::from_millis(300), jail.run(endless)).await.is_err());
    let began = Instant::now();
    let next = jail.run(bash("ls; echo alive")).await.unwrap();
    assert_eq!(text(&next), "README.md\nbegan\nalive\n");
    assert!(began.elapsed() < Duration::from_secs(10));
    jail.close().await;
}

#[tokio::test]
async fn where_no_process_fits_earlier_ones_give_way() {
    let jail = jail().await;
    // Somebody in the background takes every place that becomes free.
    let crowd = "import os, time\nwhile True:\n  try: os.posix_spawn('/bin/sleep', ['sleep', '600'], {})\n  except OSError: time.sleep(0.001)";
    let begin = format!("setsid python3 -c \"{crowd}\" > /dev/null 2>&1 & sleep 1");
    jail.run(bash(&begin)).await.unwrap();
    let argv = ["/bin/echo", "alive"].map(str::to_owned).to_vec();
    for _ in 0..3 {
        let next = jail.run(Command { argv: argv.clone(), ..bash("") }).await.unwrap();
        assert_eq!((next.end, &next.output[..]), (End::Code(0), &b"alive\n"[..]));
    }
    jail.close().await;
}

#[tokio::test]
async fn a_jail_that_dies_is_lost_and_says_so() {
    let jail = jail().await;
    let standing = jail.standings().iter().find(|one| one.protection == outboard_jail::Protection::Seccomp);
    assert!(standing.unwrap().in_force);
    jail.close().await;
    assert!(jail.run(bash("true")).await.unwrap_err().reason.contains("ended"));
}

#[tokio::test]
async fn programs_are_started_with_no_signal_blocked_or_ignored() {
    let jail = jail().await;
    let ran = jail.run(bash("exec grep -E 'SigBlk|SigIgn' /proc/self/status")).await.unwrap();
    let text = String::from_utf8_lossy(&ran.output).into_owned();
    // Those that the C library keeps for itself are ignored in whatever it starts.
    let ignored = ["SigIgn:\t0000000000000000\n", "SigIgn:\t0000000180000000\n"];
    assert!(text.starts_with("SigBlk:\t0000000000000000\n"), "{text}");
    assert!(ignored.iter().any(|line| text.ends_with(line)), "{text}");
    jail.close().await;
}
