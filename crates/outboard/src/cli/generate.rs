//! `outboard generate`: packages of functions that call the tools, for programs outside the sandbox and for agents that explore
//! files. What is in them, outboard-socket says; here it is said of which tools and how they reach Outboard.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::{ArgGroup, Args};
use outboard_runtime::catalogue::Snapshot;
use outboard_socket::{
    folder::{self, NotWritten, Written},
    package::{self, Kind, Made, Reach},
};
use serde_json::{Value, json};

use super::{catalog, context::Context, names, search, variable};
use crate::{
    clients::Program,
    daemon::Post,
    report::{self, Failure, USAGE, counted, escaped},
};

/// Options of `outboard generate`.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group = ArgGroup::new("packages").required(true).multiple(true))]
pub(super) struct Generate {
    /// Write a package for node and tsc into this folder
    #[arg(long, value_name = "DIR", group = "packages")]
    typescript: Option<PathBuf>,
    /// Write a package for Python into this folder
    #[arg(long, value_name = "DIR", group = "packages")]
    python: Option<PathBuf>,
    /// Take the tools from a saved reply to `tools/list`, without a server
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// The name that the saved reply's server has here; without it, the file's
    #[arg(long, value_name = "NAME", requires = "catalog")]
    server: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A package that was written.
struct Package {
    kind: Kind,
    folder: PathBuf,
    made: Made,
    written: Written,
}

impl Generate {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let context = Context::load()?;
        let snapshot = match &self.catalog {
            Some(file) => catalog::read(file, self.server.as_deref())?,
            None => search::known(&context).await?,
        };
        tell_missing(&snapshot);
        if snapshot.tool_count() == 0 {
            let failure = Failure::new("no tools are known, so there is nothing to write");
            return Err(failure.hint("outboard doctor says what to do").code(USAGE));
        }
        let reach = reach(&context)?;
        let wanted = [(Kind::TypeScript, &self.typescript), (Kind::Python, &self.python)];
        let mut packages = Vec::new();
        for (kind, folder) in wanted.into_iter().filter_map(|(kind, folder)| Some((kind, folder.as_ref()?))) {
            packages.push(write(&snapshot, kind, folder, &reach)?);
        }
        if self.json {
            let packages: Vec<Value> = packages.iter().map(Package::json).collect();
            return report::json(&json!({ "packages": packages }));
        }
        packages.iter().for_each(Package::tell);
        tell_odd(&snapshot);
        Ok(())
    }
}

/// How a package of this place finds its Outboard.
fn reach(context: &Context) -> Result<Reach, Failure> {
    let post = Post::here(context.project(), &context.places)?;
    let Some(executable) = &context.program else {
        return Err(Failure::new("could not find this program's own file"));
    };
    Ok(post.reach(&Program::this(executable, &variable, true)))
}

fn write(snapshot: &Snapshot, kind: Kind, folder: &Path, reach: &Reach) -> Result<Package, Failure> {
    let folder = std::path::absolute(folder).map_err(|error| Failure::could_not(&error))?;
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
        return Err(Failure::new(format_args!("{} names no folder", folder.display())).code(USAGE));
    };
    let (files, made) = package::files(snapshot, kind, name, reach)
        .map_err(|bad| Failure::new(bad).hint("name a folder that is to be the package").code(USAGE))?;
    let written = folder::write(&folder, kind, &files).map_err(|problem| {
        let failure = Failure::could_not(&problem).code(USAGE);
        match problem {
            NotWritten::Other { .. } => failure.hint("name a folder that is empty, or not there yet"),
            NotWritten::Changed { .. } | NotWritten::Record { .. } => failure.hint("nothing was changed"),
            NotWritten::System { .. } => failure,
        }
    })?;
    Ok(Package { kind, folder, made, written })
}

/// Whose tools are not in the packages.
fn tell_missing(snapshot: &Arc<Snapshot>) {
    for member in snapshot.members().iter().filter(|member| member.listing.is_none()) {
        report::warn(format_args!("{}; the packages have no module of it", names::unavailable(member)));
    }
}

/// How many tools have schemas that are not declared as they are written.
fn tell_odd(snapshot: &Snapshot) {
    let tools = snapshot.members().iter().flat_map(|member| member.resolved());
    let mut odd = tools.filter(|tool| !tool.warnings().is_empty());
    if let Some(first) = odd.next() {
        let tools = counted(odd.count() + 1, "tool");
        report::note(format_args!(
            "{tools} with parts of schemas that are not declared as written; outboard describe {} says which",
            escaped(&first.called())
        ));
    }
}

impl Package {
    fn name(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// How its first module is imported.
    fn import(&self) -> Option<String> {
        let module = self.made.modules.iter().find(|module| !module.functions.is_empty())?;
        let (name, function) = (&module.module, &module.functions[0]);
        let folder = self.name();
        Some(match self.kind {
            Kind::Python => format!("from {folder}.{name} import {function}"),
            Kind::TypeScript if self.is_installed() => format!("import * as {name} from \"{folder}/{name}\""),
            Kind::TypeScript => format!("import * as {name} from \"./{folder}/{name}.js\""),
        })
    }

    /// Whether node finds it by its name.
    fn is_installed(&self) -> bool {
        self.folder.parent().and_then(Path::file_name).is_some_and(|parent| parent == "node_modules")
    }

    fn tell(&self) {
        let Written { written, same, removed } = self.written;
        let functions: usize = self.made.modules.iter().map(|module| module.functions.len()).sum();
        report::line(format_args!(
            "{}: {} in {}; {} written, {same} as they were, {removed} removed",
            self.folder.display(),
            counted(functions, "function"),
            counted(self.made.modules.len(), "module"),
            counted(written, "file"),
        ));
        if let Some(import) = self.import() {
            report::line(format_args!("  {}", escaped(&import)));
        }
    }

    fn json(&self) -> Value {
        json!({
            "language": self.kind.as_str(),
            "folder": self.folder,
            "modules": self.made.modules,
            "import": self.import(),
            "files": self.written,
        })
    }
}
