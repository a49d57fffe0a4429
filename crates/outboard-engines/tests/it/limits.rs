//! Every limit is met by a script that runs into it, while another run goes on unharmed; and is not
//! met by one that stays below.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use outboard_runtime::{
    limits::{Limit, Limits},
    ports::engine::{GuestWorld, StopReason, Stopped},
};

use crate::host::{End, Run, run, small, world};

const BRIEF: Duration = Duration::from_millis(300);

/// Runs `program` beside a harmless run, which must not notice.
async fn beside_another(limited: GuestWorld) -> Run {
    let program = Arc::clone(&limited.program);
    let other = world("let sum = 0; for (let i = 0; i < 50; i++) sum = await t.add({ a: sum, b: i }); sum");
    let started = Instant::now();
    let (run, other) = tokio::join!(run(limited), run(other));
    assert_eq!(other.transcript.lines().last(), Some("value 1225"), "the other run, beside {program}");
    assert!(started.elapsed() < Duration::from_secs(60), "{program} took {:?}", started.elapsed());
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_end_at_the_limit_that_they_run_into() {
    let (cpu, memory, value) = (Limit::Cpu, Limit::Memory, Limit::Value);
    for (program, limit) in [
        // Processor time, wherever the script spends it.
        ("for (;;);", cpu),
        ("while (true) try { for (;;); } catch {} finally { for (;;); }", cpu),
        ("(function again() { Promise.resolve().then(again) })(); await new Promise(() => {})", cpu),
        ("const again = () => queueMicrotask(again); again()", cpu),
        ("const again = () => setImmediate(again); again(); await new Promise(() => {})", cpu),
        ("/(a+)+$/.test('a'.repeat(60) + 'b')", cpu),
        ("const s = 'a'.repeat(5e6); s.indexOf('a'.repeat(2e6) + 'b')", cpu),
        ("const a = Array.from({ length: 3e5 }, (_, i) => i % 7); for (;;) a.sort()", cpu),
        ("let n = 3n; for (;;) n = n * n % (10n ** 3000n)", cpu),
        ("const a = [1]; a.length = 2 ** 32 - 1; a.indexOf(2)", cpu),
        ("new Array(2 ** 32 - 1).join('')", cpu),
        ("({ get endless() { for (;;); } })", cpu),
        ("({ toJSON() { for (;;); } })", cpu),
        ("({ then(resolve) { for (;;); } })", cpu),
        ("t.echo({ get endless() { for (;;); } })", cpu),
        (
            "console.log({ get [Symbol.toStringTag]() { for (;;); } }, new Proxy({}, { ownKeys() { for (;;); } })); for (;;);",
            cpu,
        ),
        ("await t.json({ text: '[' + '[],'.repeat(1000) + '1]' }); for (;;);", cpu),
        ("for (;;) try { const hold = []; for (;;) hold.push(new Uint8Array(1e6)); } catch {}", cpu),
        // Printing and calling for ever.
        ("for (;;) console.log('x'.repeat(1000))", cpu),
        ("for (;;) console.log()", cpu),
        ("for (;;) console.log({ a: [1, 2, { b: 'c' }] })", cpu),
        ("for (;;) { await null; t.echo() }", cpu),
        // Memory, however it is asked for.
        ("new Array(5e7).fill(1)", memory),
        ("const a = []; for (;;) a.push({})", memory),
        ("const a = []; for (;;) a.push(new Uint8Array(1e6))", memory),
        ("let s = 'xy'; for (;;) { s += s; s.charCodeAt(1); }", memory),
        ("let s = 'x'; const all = []; for (;;) { s += 'y'; all.push(s + all.length); }", memory),
        ("let a = ['x'.repeat(1000)]; for (let i = 0; i < 60; i++) a = [a, a]; JSON.stringify(a)", memory),
        ("const m = new Map(); for (let i = 0; ; i++) m.set(i, { i })", memory),
        ("const o = {}; for (let i = 0; ; i++) o['k' + i] = i", memory),
        ("const all = []; for (;;) all.push(new Promise(() => {}))", memory),
        ("const again = () => Promise.resolve().then(again); again(); await new Promise(() => {})", memory),
        ("'x'.repeat(2 ** 28) + 'y'", memory),
        ("new Uint8Array(2 ** 30)", memory),
        ("const all = []; for (;;) { all.push(setTimeout(() => {}, 1e6)) }", memory),
        ("for (;;) t.echo({ a: 'x'.repeat(2e6) })", memory),
        ("[...(function* () { for (;;) yield 1 })()]", memory),
        // The value.
        ("'x'.repeat(100_001)", value),
        ("new Array(1e6)", value),
        ("new Array(2 ** 32 - 1)", value),
        ("let a = ['x'.repeat(1000)]; for (let i = 0; i < 60; i++) a = [a, a]; a", value),
        ("(function* () { for (let i = 0; i < 60000; i++) yield i })()", value),
    ] {
        let mut limited = small(program);
        if limit == cpu {
            limited.limits.cpu = BRIEF;
        }
        let run = beside_another(limited).await;
        assert_eq!(run.end, End::Stopped(Stopped::Limit(limit)), "{program}\n{}", tail(&run.transcript));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scripts_that_stay_below_their_limits_end_by_themselves() {
    for (program, last) in [
        ("let n = 0; for (let i = 0; i < 1e5; i++) n += i; n", "value 4999950000"),
        ("new Array(5e5).fill(1).length", "value 500000"),
        ("new Array(2 ** 32 - 1).length", "value 4294967295"),
        ("'x'.repeat(99_000).length", "value 99000"),
        ("try { new Array(5e7).fill(1) } catch (e) { e.message }", "value \"out of memory\""),
        (
            "try { const a = []; for (;;) a.push(new Uint8Array(1e6)) } catch {} [1, await t.add({ a: 1, b: 2 })]",
            "value [1,3]",
        ),
        ("let s = 'x'; try { for (;;) s += s } catch (e) { e instanceof Error }", "value true"),
        (
            "const all = []; for (let i = 0; i < 1000; i++) all.push(t.add({ a: i, b: 0 })); (await Promise.all(all)).length",
            "value 1000",
        ),
        (
            "let refused; for (let i = 0; i < 1200; i++) t.never().catch((e) => { refused = e.code }); await null; await null; refused",
            "value \"limit\"",
        ),
    ] {
        let run = beside_another(small(program)).await;
        assert_eq!(run.transcript.lines().last(), Some(last), "{program}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_default_limits_hold_what_people_do() {
    let run = run(GuestWorld { limits: Limits::default(), ..world("new Array(2e7).fill(1).length") }).await;
    assert_eq!(run.transcript, "value 20000000\n");
}

#[tokio::test]
async fn the_console_keeps_its_first_bytes_and_counts_the_rest() {
    let run =
        run(small("for (let i = 0; i < 100; i++) console.log('é'.repeat(100)); console.log('more')")).await;
    let kept = run.console.iter().map(|line| line.text.len()).sum::<usize>();
    assert!((9_990..=10_000).contains(&kept), "{kept}");
    assert!(run.console_dropped > 0);
    assert_eq!(run.end, End::Finished(None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_printed_for_ever_is_bounded_on_this_side_too() {
    let mut world = small("for (;;) console.log('x'.repeat(1000))");
    world.limits.cpu = BRIEF;
    let run = run(world).await;
    let kept = run.console.iter().map(|line| line.text.len()).sum::<usize>();
    assert!(kept <= 10_000, "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_flag_ends_a_script_that_computes() {
    for (reason, expected) in
        [(StopReason::Cancelled, Stopped::Cancelled), (StopReason::Wall, Stopped::Limit(Limit::Wall))]
    {
        let world = world("await t.echo(); for (;;);");
        let stop = world.stop.clone();
        let running = tokio::spawn(run(world));
        stop.stop(reason);
        assert_eq!(running.await.unwrap().end, End::Stopped(expected));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processor_time_is_summed_over_entries() {
    // Each entry alone stays below the limit.
    let program = "for (;;) { for (let i = 0; i < 2e5; i++); await t.echo() }";
    let mut world = small(program);
    world.limits.cpu = BRIEF;
    let run = run(world).await;
    assert_eq!(run.end, End::Stopped(Stopped::Limit(Limit::Cpu)));
    assert!(run.requests.len() > 1, "{}", run.requests.len());
}

fn tail(text: &str) -> &str {
    let start = text.char_indices().rev().nth(1000).map_or(0, |(at, _)| at);
    &text[start..]
}
