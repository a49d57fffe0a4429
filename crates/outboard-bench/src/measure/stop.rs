//! How long after its time limit a script ends that computes without end, most of them inside one builtin, while another
//! one does the same. Each sample is the worst of the scripts of a language, as a client sees it: the time to the answer
//! less the limit.

use serde_json::json;

use super::{Bench, BenchFailure, Measure, timed};
use crate::{
    gateway::{Home, arguments, execute},
    peer::{Peer, PeerFailure, call_params, request_line},
    samples::Pair,
    scripts::Language,
};

/// Time that a script has. That of the processor would be longer for a client where others compute too.
const LIMIT: f64 = 0.2;
/// Rounds at most: each takes the limit for every script.
const ROUNDS: usize = 10;

const TYPESCRIPT: [&str; 5] = [
    "while (true) {}",
    "/^(a+)+$/.test('a'.repeat(40) + '!')",
    "const a = Array.from({ length: 1e5 }, () => Math.random()); for (;;) [...a].sort()",
    "const n = 3n ** 300_000n; for (;;) n * n",
    "const s = 'a'.repeat(2 ** 22); for (;;) s.indexOf('a'.repeat(2 ** 21) + 'b')",
];

const PYTHON: [&str; 5] = [
    "while True: pass",
    "import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')",
    "import random\na = [random.random() for _ in range(100_000)]\nwhile True: sorted(a)",
    "10 ** 10 ** 9",
    "import zlib\nbomb = zlib.compress(bytes(2 ** 24), 1)\nwhile True: zlib.decompress(bomb)",
];

pub(super) fn take(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let language = measure.language();
    let home = Home::new(&json!({ "limits": { "wallSeconds": LIMIT } }))?;
    let mut outboard = Peer::start(home.serve(&bench.outboard)?)?;
    let scripts = match language {
        Language::TypeScript => TYPESCRIPT,
        Language::Python => PYTHON,
    };
    // The first script of a language loads what it needs.
    execute(&mut outboard, language, language.addition())?;
    let beside = call_params("execute", &arguments(language, language.endless()));
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, ROUNDS) {
        let mut worst = 0.0_f64;
        for code in scripts {
            let id = outboard.take_id();
            outboard.write(request_line(id, "tools/call", &beside).as_bytes())?;
            let (seconds, said) = timed(|| ended(&mut outboard, &arguments(language, code)))?;
            if !said.contains("limits.wallSeconds") {
                let expected = "the limit of time".to_owned();
                return Err(BenchFailure::Wrong { what: "a script without end", got: said, expected });
            }
            worst = worst.max(seconds - LIMIT);
        }
        pair.ours.push(worst);
    }
    Ok(pair)
}

/// Runs a script and gives what its failure says. Answers to what runs beside it are passed over.
fn ended(outboard: &mut Peer, arguments: &str) -> Result<String, PeerFailure> {
    let id = outboard.take_id();
    outboard.write(request_line(id, "tools/call", &call_params("execute", arguments)).as_bytes())?;
    loop {
        let answer = outboard.next_answer()?;
        if answer.id != id {
            continue;
        }
        return match answer.good() {
            Err(PeerFailure::Refused(said)) => Ok(said),
            Err(failure) => Err(failure),
            Ok(result) => result.text(),
        };
    }
}
