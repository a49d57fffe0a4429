//! `cargo xtask bench documents FILE…`: what whole APIs cost, by their OpenAPI documents. It drives the program as a person
//! and as a client do, and prints one row of a Markdown table for each file. It judges nothing.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{steps::say, workspace::Metadata};

/// How often a time is taken; the median is told.
const ROUNDS: usize = 5;
/// A document that costs next to nothing.
const ONE: &str = r#"{"openapi": "3.1.0", "paths": {"/x": {"get": {"operationId": "comment"}}}}"#;

/// Measures each of the files with the program of the release profile, or the one that is named.
///
/// # Errors
/// When a document cannot be used, or the program does not answer as it should.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    let (program, files) = match arguments {
        [switch, program, files @ ..] if switch == "--outboard" => (PathBuf::from(program), files),
        files => (Metadata::load()?.binary("release", "outboard"), files),
    };
    ensure!(!files.is_empty(), "say which documents: cargo xtask bench documents [--outboard PROGRAM] FILE…");
    ensure!(program.is_file(), "{} is not built yet: cargo build --release -p outboard", program.display());
    let least = Home::new(&program, 0)?;
    let one = least.folder.join("one.json");
    fs::write(&one, ONE)?;
    least.add(&one)?;
    // Whatever the document, a first search loads what the search knows of words: that is not the document's.
    let least = least.used()?;
    say(
        "| document | size | operations, lost | ready in | processor time until a search has answered | the next search \
         | memory at peak beside an Outboard with one operation | tokens of both tools |",
    );
    say("|---|---|---|---|---|---|---|---|");
    for (number, file) in files.iter().enumerate() {
        say(&row(&program, number + 1, Path::new(file), &least)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn row(program: &Path, number: usize, file: &Path, least: &Used) -> Result<String> {
    let size = fs::metadata(file).with_context(|| format!("read {}", file.display()))?.len();
    let home = Home::new(program, number)?;
    let told = home.add(file)?;
    let lost: usize =
        told.lines().filter_map(|line| line.split_once("left out: ")).map(|(_, what)| more(what)).sum();
    let (mut took, mut listed) = (Vec::new(), Value::Null);
    for _ in 0..ROUNDS {
        listed = serde_json::from_slice(&home.command(&["list", "--json"]).output()?.stdout)?;
        took.push(listed["upstreams"][0]["tookMs"].as_u64().context("it did not become ready")?);
    }
    took.sort_unstable();
    let used = home.used()?;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let memory = used.peak.saturating_sub(least.peak);
    Ok(format!(
        "| {} | {:.1} MB | {}, {lost} | {} ms | {:.2} s | {:.0?} | {:.0} MB, {:.1} times its size | {} |",
        file.file_name().unwrap_or_default().display(),
        megabytes(size),
        listed["upstreams"][0]["tools"],
        took[took.len() / 2],
        used.processor,
        used.next_search,
        megabytes(memory),
        memory as f64 / size as f64,
        listed["ownTokens"],
    ))
}

/// How many losses a line tells of.
fn more(what: &str) -> usize {
    what.strip_suffix(" more").and_then(|count| count.parse().ok()).unwrap_or(1)
}

/// A user with nothing else.
struct Home<'a> {
    program: &'a Path,
    folder: PathBuf,
}

impl<'a> Home<'a> {
    fn new(program: &'a Path, number: usize) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("outboard-documents-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self { program, folder })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("OUTBOARD_CONFIG_DIR", &self.folder)
            .env("OUTBOARD_STATE_DIR", self.folder.join("state"));
        command
    }

    /// Adds a document as a person does; gives what that told.
    fn add(&self, file: &Path) -> Result<String> {
        let file = fs::canonicalize(file)?.display().to_string();
        let added =
            self.command(&["add", "api", "--openapi", &file, "--base-url", "http://127.0.0.1:9"]).output()?;
        let told = String::from_utf8_lossy(&added.stderr).into_owned();
        ensure!(added.status.success(), "{told}");
        Ok(told)
    }

    /// What `serve` has used once a client's searches are answered.
    fn used(&self) -> Result<Used> {
        let mut serve = self.command(&["serve"]);
        let mut child = serve.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut client = Client::of(&mut child)?;
        client.ask("initialize", &json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}))?;
        // What is not read yet when somebody searches is told as such.
        while !client.search("create a comment on an issue")?.contains("api.") {}
        let processor = processor_time(child.id())?;
        let began = Instant::now();
        client.search("list the nodes that are ready")?;
        let next_search = began.elapsed();
        let status = fs::read_to_string(format!("/proc/{}/status", child.id()))
            .context("only Linux tells the memory")?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
        let kilobytes: u64 = peak.split_whitespace().next().unwrap_or_default().parse()?;
        // It ends with its input.
        drop(client);
        child.wait()?;
        Ok(Used { processor, next_search, peak: kilobytes * 1024 })
    }
}

/// What a process has used.
struct Used {
    /// In seconds.
    processor: f64,
    next_search: Duration,
    /// In bytes.
    peak: u64,
}

/// Seconds of processor time of a process: its 14th and 15th field, in hundredths (`proc(5)`).
fn processor_time(process: u32) -> Result<f64> {
    let stat =
        fs::read_to_string(format!("/proc/{process}/stat")).context("only Linux tells the processor time")?;
    let after_name = stat.rsplit_once(") ").context("no name")?.1;
    let ticks: u64 =
        after_name.split(' ').skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / 100.0)
}

impl Drop for Home<'_> {
    fn drop(&mut self) {
        // Leftovers in the temporary directory harm nobody.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// As little of an MCP client as it takes.
struct Client {
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    asked: u64,
}

impl Client {
    fn of(child: &mut Child) -> Result<Self> {
        let input = child.stdin.take().context("no input")?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        Ok(Self { input, output, asked: 0 })
    }

    /// The text of an answer to a search.
    fn search(&mut self, query: &str) -> Result<String> {
        let answer = self.ask("tools/call", &json!({"name": "search", "arguments": {"query": query}}))?;
        Ok(answer["result"]["content"][0]["text"].as_str().unwrap_or_default().to_owned())
    }

    fn ask(&mut self, method: &str, params: &Value) -> Result<Value> {
        self.asked += 1;
        writeln!(
            self.input,
            "{}",
            json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params})
        )?;
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line)? == 0 {
                bail!("it ended without an answer to {method}");
            }
            let message: Value = serde_json::from_str(&line)?;
            if message["id"] == self.asked {
                ensure!(message.get("error").is_none(), "{method}: {message}");
                if method == "initialize" {
                    writeln!(
                        self.input,
                        "{}",
                        json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
                    )?;
                }
                return Ok(message);
            }
        }
    }
}
