//! What documents cost: `cargo run --release -p outboard-openapi --example documents -- FILE…` prints for each how long it takes
//! to be listed, the memory at its peak by then, and how long it takes to make every schema of every tool.

#![expect(clippy::print_stdout, reason = "a program for people at the desk")]

use std::time::Instant;

use outboard_openapi::{Document, Reach, Source, listing};
use url::Url;

fn main() {
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).expect("the file can be read");
        let (length, before) = (bytes.len(), peak());
        let began = Instant::now();
        let document = Document::parse(bytes).expect("it is a document");
        let parsed = began.elapsed();
        let reach =
            Reach::new(Source::File(path.clone().into()), Url::parse("https://api.example").expect("a URL"));
        let (listing, losses) = listing(document, &reach).expect("it fits");
        let (listed, memory) = (began.elapsed(), peak() - before);
        let began = Instant::now();
        let made: usize = listing
            .tools
            .iter()
            .map(|tool| {
                tool.input().map_or(0, |s| s.to_string().len())
                    + tool.output().map_or(0, |s| s.to_string().len())
            })
            .sum();
        println!(
            "{path}: {:.1} MB, {} operations, {} lost, parsed in {parsed:.0?}, listed in {listed:.0?}, +{:.1} MB at peak ({:.1}x); \
             all schemas: {:.1} MB in {:.0?}, peak then +{:.1} MB",
            megabytes(length),
            listing.tools.len(),
            losses.len(),
            megabytes(memory),
            memory as f64 / length as f64,
            megabytes(made),
            began.elapsed(),
            megabytes(peak() - before),
        );
    }
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// The most memory that this process has had so far.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok()).unwrap_or(0) * 1024
}
