//! Prints the declarations of a saved `tools/list` reply: `declarations CATALOG [name|signature|full] [python]`.
//! For looking at what a model would see; it starts no server.

use std::io::Write as _;

use outboard_declare::names::Names;
use outboard_declare::typescript::{Detail, ToolShape};
use outboard_declare::{python, typescript};
use serde_json::Value;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: declarations CATALOG [name|signature|full] [python]")?;
    let detail = match arguments.next().as_deref() {
        Some("name") => Detail::Name,
        Some("full") => Detail::Full,
        _ => Detail::Signature,
    };
    let in_python = arguments.next().as_deref() == Some("python");
    let reply: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
    let tools = reply["tools"].as_array().ok_or("the file has no list of tools")?;
    let originals: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    let names = Names::assign(&originals, &[]);
    let shapes: Vec<ToolShape<'_>> = tools
        .iter()
        .filter_map(|tool| {
            Some(ToolShape {
                namespace: "",
                identifier: names.identifier(tool["name"].as_str()?)?,
                description: tool["description"].as_str(),
                input: tool.get("inputSchema"),
                output: tool.get("outputSchema"),
                observed: false,
            })
        })
        .collect();
    let stem = std::path::Path::new(&path).file_stem().and_then(|stem| stem.to_str()).unwrap_or("catalog");
    let declaration = match in_python {
        true => python::declare_namespace(stem, &shapes, detail),
        false => typescript::declare_namespace(stem, &shapes, detail),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", declaration.text)?;
    let mut err = std::io::stderr().lock();
    for warning in &declaration.warnings {
        writeln!(err, "warning: {warning}")?;
    }
    Ok(())
}
