//! Python's modules that are not in the sandbox, with what to use instead: the words of the guest's `absent.py`, which
//! says them when such an import is reached. What is neither here nor of the standard library cannot be there either.

use super::dialect::is_python_module;

const NETWORK: &str = "there is no network here: call the tools instead, `await namespace.tool(name=value)`";
const PROCESSES: &str =
    "no other program can be started here: call the tools instead, `await namespace.tool(name=value)`";
const THREADS: &str =
    "there are no threads here: use `await asyncio.gather(…)` to wait for many things at once";
const DATA: &str =
    "only the standard library is here: use statistics, collections, itertools and plain loops";
const PACKAGES: &str = "only the standard library and the tools are here; nothing can be installed";
const FOREIGN: &str = "native code cannot be loaded here; only the standard library is here";
const SCREEN: &str = "there is no terminal and no window here: print text, or return it";
const MARKUP: &str = "use html.parser for HTML and xml.etree.ElementTree for XML";
const DATES: &str = "use datetime and zoneinfo, which are here with all time zones";
const CHECKS: &str = "use dataclasses, and check by hand what must be checked";
const FORMATS: &str = "use json, tomllib or csv; a tool may give the same data as JSON";
const DATABASES: &str = "keep data in dicts or in sqlite3.connect(':memory:')";
const COMPRESSION: &str = "of the compressions only zlib, gzip and zipfile (deflated, stored) are here";

/// Names of packages that scripts ask for, with what to use instead.
const PACKAGES_ASKED_FOR: [(&str, &str); 12] = [
    (
        NETWORK,
        "requests httpx aiohttp urllib3 httplib2 websocket websockets paramiko boto3 grpc mcp fastmcp openai anthropic \
         selenium playwright",
    ),
    (PROCESSES, "pexpect sh"),
    (THREADS, "joblib gevent trio anyio"),
    (DATA, "numpy pandas polars scipy sklearn matplotlib pyarrow"),
    (FOREIGN, "cffi"),
    (SCREEN, "rich tqdm colorama click typer"),
    (COMPRESSION, "zstandard brotli lz4"),
    (MARKUP, "bs4 lxml html5lib"),
    (DATES, "dateutil pytz arrow pendulum"),
    (CHECKS, "pydantic attr attrs marshmallow jsonschema"),
    (FORMATS, "yaml toml ruamel openpyxl xlrd"),
    (DATABASES, "psycopg psycopg2 pymysql sqlalchemy redis pymongo"),
];

/// What is there beside the standard library and the namespaces.
const OURS: [&str; 7] =
    ["componentize_py_types", "outboard_guest", "prompts", "resources", "results", "tools", "wit_world"];

/// The first part of a module's full name that cannot be imported, and what to use instead.
pub(super) fn absent(module: &str) -> Option<(&str, &'static str)> {
    let package = module.split('.').next().unwrap_or_default();
    // What begins with `_` belongs to some implementation, and a part of the standard library may be left out.
    if package.is_empty() || package.starts_with('_') || is_python_module(package) || OURS.contains(&package)
    {
        return None;
    }
    let why = PACKAGES_ASKED_FOR.iter().find(|(_, names)| names.split(' ').any(|name| name == package));
    Some((package, why.map_or(PACKAGES, |(why, _)| why)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_words_are_those_of_the_guest() {
        let guest =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guests/python/outboard_guest/absent.py");
        let text = std::fs::read_to_string(guest).unwrap();
        let text = text.replace("\"\n    \"", "");
        assert!(text.contains(PACKAGES));
        for (why, names) in PACKAGES_ASKED_FOR {
            let (constant, _) = text.split_once(&format!(" = \"{why}\"\n")).unwrap();
            let constant = constant.rsplit('\n').next().unwrap();
            let listed = text.split_once(&format!("\n    {constant}: \"")).unwrap().1;
            let listed = listed.split_once('"').unwrap().0;
            let mut told: Vec<&str> = names.split(' ').collect();
            let mut known: Vec<&str> = listed
                .split(' ')
                .filter(|name| absent(name).is_some_and(|(missing, _)| missing == *name))
                .collect();
            told.sort_unstable();
            known.sort_unstable();
            assert_eq!(told, known, "{constant}");
        }
    }

    #[test]
    fn what_may_be_there_is_not_told_as_absent() {
        for module in ["json", "urllib.request", "os.path", "_thread", "__main__", "tools", "xml.dom.odd"] {
            assert_eq!(absent(module), None, "{module}");
        }
        assert_eq!(absent("yaml.nodes"), Some(("yaml", FORMATS)));
        assert_eq!(absent("some_package"), Some(("some_package", PACKAGES)));
    }
}
