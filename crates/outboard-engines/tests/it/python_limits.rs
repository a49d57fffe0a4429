//! Python scripts end at the limit that they run into, while another run goes on unharmed.

use std::{sync::Arc, time::Duration};

use outboard_runtime::{
    limits::Limit,
    ports::engine::{GuestWorld, Stopped},
};

use crate::host::{End, PYTHON, Run, run_on, small, world};

const BRIEF: Duration = Duration::from_millis(100);

/// Runs `program` beside a harmless run, which must not notice.
async fn beside_another(limited: GuestWorld) -> Run {
    let program = Arc::clone(&limited.program);
    let other = world("sum = 0\nfor i in range(50): sum = await t.add(a=sum, b=i)\nsum");
    let (run, other) = tokio::join!(run_on(&*PYTHON, limited), run_on(&*PYTHON, other));
    assert_eq!(other.transcript.lines().last(), Some("value 1225.0"), "the other run, beside {program}");
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_scripts_end_at_the_limit_that_they_run_into() {
    let (cpu, memory, value) = (Limit::Cpu, Limit::Memory, Limit::Value);
    for (program, limit) in [
        // Processor time, in the interpreter and within one instruction of it.
        ("while True: pass", cpu),
        ("while True:\n  try:\n    while True: pass\n  except BaseException: pass", cpu),
        ("10 ** 10 ** 9", cpu),
        ("import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')", cpu),
        ("import random\na = [random.random() for _ in range(100_000)]\nwhile True: sorted(a)", cpu),
        ("import itertools\n0 in itertools.count(1)", cpu),
        ("import itertools\nmax(itertools.repeat(1))", cpu),
        ("sum(range(10 ** 12))", cpu),
        ("pow(7, 10 ** 5000, 10 ** 5000 + 1)", cpu),
        (
            "import sqlite3\nsqlite3.connect(':memory:').execute('with recursive n(x) as (select 1 union all select x + 1 from n) select max(x) from n')",
            cpu,
        ),
        ("import time\nwhile True: time.sleep(0)", cpu),
        (
            "import asyncio\nloop = asyncio.get_running_loop()\ndef again(): loop.call_soon(again)\nagain()\nawait asyncio.Event().wait()",
            cpu,
        ),
        ("class A:\n  def __repr__(self):\n    while True: pass\nA()", cpu),
        ("class E(Exception):\n  def __str__(self):\n    while True: pass\nraise E", cpu),
        ("class A:\n  def __del__(self):\n    while True: pass\nA()\n1", cpu),
        ("while True:\n  try: [0] * 10 ** 9\n  except MemoryError: pass", cpu),
        ("while True: print('x' * 1000)", cpu),
        ("while True: print()", cpu),
        // Memory, however it is asked for.
        ("'x' * 10 ** 9", memory),
        ("a = []\nwhile True: a.append(bytearray(10 ** 6))", memory),
        ("d = {}\nwhile True: d[len(d)] = []", memory),
        ("import itertools\nlist(itertools.count())", memory),
        ("s = 'xy'\nwhile True: s += s", memory),
        (
            "import zlib\npacker = zlib.compressobj(1)\nzeros = bytes(2 ** 20)\nbomb = b''.join(packer.compress(zeros) for _ in range(64)) + packer.flush()\nlen(zlib.decompress(bomb))",
            memory,
        ),
        (
            "import io, zipfile\nfile = io.BytesIO()\nwith zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as z:\n  with z.open('a', 'w') as part:\n    for _ in range(64): part.write(bytes(2 ** 20))\nlen(zipfile.ZipFile(file).read('a'))",
            memory,
        ),
        ("a = 'x' * 1000\nfor _ in range(60): a = [a, a]\nimport json\njson.dumps(a)", memory),
        (
            "while True: import asyncio; asyncio.create_task(t.echo(a='x' * 10 ** 6)); await asyncio.sleep(0)",
            memory,
        ),
        // The value.
        ("'x' * 100_001", value),
        ("list(range(10 ** 6))", value),
        ("a = 'x' * 1000\nfor _ in range(9): a = [a, a]\na", value),
    ] {
        let mut limited = small(program);
        if limit == cpu {
            limited.limits.cpu = BRIEF;
        }
        let run = beside_another(limited).await;
        let told = run.transcript.len().min(1000);
        assert_eq!(run.end, End::Stopped(Stopped::Limit(limit)), "{program}\n{}", &run.transcript[..told]);
        let kept = run.console.iter().map(|line| line.text.len()).sum::<usize>();
        assert!(kept <= 10_000, "{program} printed {kept} bytes");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_scripts_that_stay_below_their_limits_end_by_themselves() {
    for (program, last) in [
        ("sum(range(10 ** 5))", "value 4999950000"),
        ("len([0] * 10 ** 6)", "value 1000000"),
        ("len('x' * 99_000)", "value 99000"),
        ("try: 'x' * 10 ** 9\nexcept MemoryError as e: result = type(e).__name__", "value \"MemoryError\""),
        (
            "a = []\ntry:\n  while True: a.append(bytearray(10 ** 6))\nexcept MemoryError: del a\n[1, await t.add(a=1, b=2)]",
            "value [1,3.0]",
        ),
        ("import asyncio\nlen(await asyncio.gather(*(t.add(a=i, b=0) for i in range(1000))))", "value 1000"),
        ("print('é' * 100)\nfor _ in range(100): print('x' * 200)\n1", "value 1"),
    ] {
        let run = beside_another(small(program)).await;
        assert_eq!(run.transcript.lines().last(), Some(last), "{program}");
    }
}
