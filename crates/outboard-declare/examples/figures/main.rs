//! Measures the declarations of saved `tools/list` replies: what `cargo xtask bench declare` runs.
//! Arguments: DIR or FILEs, [--json], [--vague] to name what came out vague, [--costs] to name the dearest tools.
//! It fails when a limit is missed; what counts as vague is `vague`'s to say.

#![expect(clippy::print_stdout, reason = "a program for people at the desk")]

mod vague;

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::ExitCode,
};

use outboard_declare::{
    names::Names,
    python,
    typescript::{self, Detail, ToolShape},
};
use serde_json::{Value, json};

/// Limits, in percent: the median of `signature` and of `full` over all tools, and the share of vague properties.
const SIGNATURE: f64 = 45.0;
const FULL: f64 = 70.0;
const VAGUE: f64 = 3.0;

/// One catalogue, or all of them.
#[derive(Default)]
struct Figures {
    /// Tokens of each tool's definition.
    raw: Vec<usize>,
    languages: [Language; 2],
    /// Properties whose schema says something.
    telling: usize,
    odd: usize,
}

#[derive(Default)]
struct Language {
    /// Tokens of each tool's signature and full declaration.
    signature: Vec<usize>,
    full: Vec<usize>,
    /// Properties that are vaguer than their schema.
    vague: Vec<String>,
    /// Records that signatures leave out, because they are nested too deep for the room there is.
    cut: usize,
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (options, paths): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let asked = |name: &str| options.iter().any(|option| option == name);
    let files = files(&paths)?;
    let (mut all, mut reports) = (Figures::default(), Vec::new());
    if !asked("--json") {
        println!(
            "{:<24}{:>6}{:>9}  {:^23}  {:^23}  {:^16}",
            "", "", "tokens,", "TypeScript, median %", "Python, median %", "vague of telling"
        );
        println!(
            "{:<24}{:>6}{:>9}  {:>11}{:>12}  {:>11}{:>12}  {:>5}{:>5}{:>6}",
            "catalogue", "tools", "raw", "signature", "full", "signature", "full", "TS", "Py", "of"
        );
    }
    for file in &files {
        let Some(figures) = Figures::of(file)? else { continue };
        let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        if asked("--json") {
            reports.push(figures.report(&name));
        } else {
            println!("{}", figures.line(&name));
        }
        if asked("--vague") {
            for (language, called) in figures.languages.iter().zip(["TS", "Py"]) {
                language.vague.iter().for_each(|place| println!("  {called} vague: {place}"));
            }
        }
        if asked("--costs") {
            figures.costs();
        }
        all.add(figures);
    }
    if all.raw.is_empty() {
        return Err("no reply to tools/list was found".into());
    }
    if asked("--json") {
        println!("{}", json!({"catalogues": reports, "all": all.report("all")}));
    } else {
        println!("{}", all.line("all"));
        let [ts, py] = &all.languages;
        println!("records left out of signatures for depth: {} in TypeScript, {} in Python", ts.cut, py.cut);
        println!("limits: signature {SIGNATURE} %, full {FULL} %, vague {VAGUE} %");
    }
    let missed = all.missed();
    missed.iter().for_each(|missed| println!("missed: {missed}"));
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn files(paths: &[String]) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for path in paths.iter().map(Path::new) {
        if path.is_dir() {
            for entry in path.read_dir()? {
                files.push(entry?.path());
            }
        } else {
            files.push(path.to_owned());
        }
    }
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

fn tokens(text: &str) -> usize {
    bpe_openai::o200k_base().count(text)
}

impl Figures {
    /// `None` if the file is no reply to `tools/list`.
    fn of(file: &Path) -> Result<Option<Self>, Box<dyn Error>> {
        let reply: Value = serde_json::from_slice(&std::fs::read(file)?)?;
        let Some(tools) = reply.get("tools").and_then(Value::as_array) else { return Ok(None) };
        let called = |tool: &'_ Value| tool["name"].as_str().unwrap_or_default().to_owned();
        let names = Names::assign(&tools.iter().map(called).collect::<Vec<_>>(), &[]);
        let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let namespace = outboard_declare::names::identifier(&stem);
        let mut figures = Self::default();
        for tool in tools {
            let name = called(tool);
            let shape = ToolShape {
                namespace: &namespace,
                identifier: names.identifier(&name).ok_or("a tool without a name")?,
                description: tool["description"].as_str(),
                input: tool.get("inputSchema"),
                output: tool.get("outputSchema"),
                observed: false,
            };
            figures.tool(tool, &shape)?;
        }
        Ok(Some(figures))
    }

    fn tool(&mut self, tool: &Value, shape: &ToolShape<'_>) -> Result<(), Box<dyn Error>> {
        self.raw.push(tokens(&serde_json::to_string(tool)?));
        let [ts, py] = &mut self.languages;
        let declared = typescript::declare_tool(shape, Detail::Signature);
        self.odd += usize::from(!declared.warnings.is_empty());
        ts.signature.push(tokens(&declared.text));
        ts.cut += declared.text.matches(" properties */").count();
        ts.full.push(tokens(&typescript::declare_tool(shape, Detail::Full).text));
        let deep = python::declare_tool(shape, Detail::Signature);
        py.signature.push(tokens(&deep.text));
        let full = python::declare_tool(shape, Detail::Full);
        py.cut += full.types.len().saturating_sub(deep.types.len());
        py.full.push(tokens(&full.text));
        for (side, schema) in [("input", shape.input), ("output", shape.output)] {
            let Some(schema) = schema else { continue };
            vague::walk(schema, &mut |property| {
                self.telling += usize::from(property.tells());
                for (language, is_vague) in
                    [(&mut *ts, property.in_typescript()), (&mut *py, property.in_python())]
                {
                    if let Some(written) = is_vague {
                        language.vague.push(format!("{} {side}{}: {written}", shape.identifier, property.at));
                    }
                }
            });
        }
        Ok(())
    }

    fn add(&mut self, other: Self) {
        self.raw.extend(other.raw);
        self.telling += other.telling;
        self.odd += other.odd;
        for (own, others) in self.languages.iter_mut().zip(other.languages) {
            own.signature.extend(others.signature);
            own.full.extend(others.full);
            own.vague.extend(others.vague);
            own.cut += others.cut;
        }
    }

    /// The median over tools of what a form takes of the raw definition, in percent.
    fn median(&self, form: &[usize]) -> f64 {
        let share = |(part, whole): (&usize, &usize)| *part as f64 * 100.0 / (*whole).max(1) as f64;
        let mut shares: Vec<f64> = form.iter().zip(&self.raw).map(share).collect();
        shares.sort_by(f64::total_cmp);
        match shares.len() {
            0 => 0.0,
            odd if odd % 2 == 1 => shares[odd / 2],
            even => f64::midpoint(shares[even / 2 - 1], shares[even / 2]),
        }
    }

    /// What a form takes of all raw definitions together, in percent.
    fn total(&self, form: &[usize]) -> f64 {
        form.iter().sum::<usize>() as f64 * 100.0 / self.raw.iter().sum::<usize>().max(1) as f64
    }

    fn vague(&self, language: &Language) -> f64 {
        language.vague.len() as f64 * 100.0 / self.telling.max(1) as f64
    }

    fn line(&self, name: &str) -> String {
        let mut line = format!("{name:<24}{:>6}{:>9}", self.raw.len(), self.raw.iter().sum::<usize>());
        for language in &self.languages {
            line += &format!(
                "  {:>5.1} ({:>4.1}){:>5.1} ({:>4.1})",
                self.median(&language.signature),
                self.total(&language.signature),
                self.median(&language.full),
                self.total(&language.full)
            );
        }
        let [ts, py] = &self.languages;
        line + &format!("  {:>5}{:>5}{:>6}", ts.vague.len(), py.vague.len(), self.telling)
    }

    fn report(&self, name: &str) -> Value {
        let language = |language: &Language| {
            json!({
                "signature": {"median": self.median(&language.signature), "total": self.total(&language.signature)},
                "full": {"median": self.median(&language.full), "total": self.total(&language.full)},
                "vague": language.vague.len(), "cut": language.cut,
            })
        };
        let [ts, py] = &self.languages;
        json!({
            "name": name, "tools": self.raw.len(), "raw": self.raw.iter().sum::<usize>(), "telling": self.telling,
            "odd": self.odd, "typescript": language(ts), "python": language(py),
        })
    }

    fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for (language, name) in self.languages.iter().zip(["TypeScript", "Python"]) {
            let figures = [
                ("signature", self.median(&language.signature), SIGNATURE),
                ("full", self.median(&language.full), FULL),
                ("vague", self.vague(language), VAGUE),
            ];
            for (what, figure, limit) in figures {
                if figure > limit {
                    missed.push(format!("{name}: {what} {figure:.1} % is over {limit} %"));
                }
            }
        }
        missed
    }

    /// How the shares of `full` are spread.
    fn costs(&self) {
        for (at, raw) in self.raw.iter().enumerate() {
            let [ts, py] = &self.languages;
            println!(
                "  tool {at}: raw {raw}, TypeScript {} and {}, Python {} and {}",
                ts.signature[at], ts.full[at], py.signature[at], py.full[at]
            );
        }
    }
}
