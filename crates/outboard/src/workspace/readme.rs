//! The first thing that a model reads in a workspace: where it is, what lasts, how tools are called.
//! It says nothing that is not so in every workspace.

use outboard_jail::order::Limits;
use outboard_socket::package::Module;
use outboard_workspace::furnishing::PYTHON_PACKAGES;

/// The text of `README.md`. `tools` says how tools are called, if they can be.
pub(super) fn readme(limits: &Limits, tools: Option<&str>) -> String {
    let (memory, disk) = (limits.memory >> 20, limits.disk >> 20);
    let tools = tools.unwrap_or("Tools cannot be called from here; use `execute`.\n");
    format!(
        "# Workspace\n\n\
        A Linux machine of your own, without a network. Your files are here (/home/agent) and in /tmp; everything else is\n\
        read-only. Files and background processes last until the session ends; each command is a new shell that begins here.\n\
        There are {disk} MB of disk, {memory} MB of memory and {} processes.\n\n\
        ## Tools\n\n{tools}",
        limits.processes
    )
}

/// Modules that are named; of more, there is the index.
const NAMED: usize = 30;

/// How tools are called, by the modules of the packages that were made of them.
pub(super) fn tools(package: &str, modules: &[Module]) -> String {
    let Some((module, function)) =
        modules.iter().find_map(|module| Some((&module.module, module.functions.first()?)))
    else {
        return "No tools are known yet; begin the workspace anew when there are.\n".to_owned();
    };
    let mut text = format!(
        "Every tool is a function of a module, for Python and for node:\n\n\
        ```python\n\
        from {package}.{module} import {function}        # {package}.aio.{module}: the same, to be awaited\n\
        result = {function}(name=value)\n\
        ```\n\n\
        ```js\n\
        import * as {module} from \"{package}/{module}\";  // in a .mjs file\n\
        const result = await {module}.{function}({{ name: value }});\n\
        ```\n\n\
        Read the types and docstrings before a first call: `cat {PYTHON_PACKAGES}/{package}/{module}.pyi`. Write a script that does the\n\
        whole task, run it, and print only what the answer needs. A failed call raises `ToolError` (`from {package} import ToolError`).\n\n"
    );
    for Module { module, functions, .. } in modules.iter().take(NAMED) {
        text.push_str(&format!("- `{module}`: {}\n", functions.join(", ")));
    }
    if modules.len() > NAMED {
        text.push_str(&format!("- and {} more: `ls {PYTHON_PACKAGES}/{package}`\n", modules.len() - NAMED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_tells_what_there_is() {
        let text = readme(&Limits::default(), None);
        assert!(text.contains("512 MB of disk, 2048 MB of memory and 256 processes"), "{text}");
        assert!(text.ends_with("use `execute`.\n"), "{text}");
        assert!(readme(&Limits::default(), Some("call them")).ends_with("## Tools\n\ncall them"));
    }

    #[test]
    fn tools_are_shown_by_an_example_and_named() {
        let module = |name: &str, functions: &[&str]| Module {
            module: name.to_owned(),
            namespace: name.to_owned(),
            functions: functions.iter().map(|function| (*function).to_owned()).collect(),
        };
        let text = tools("mcp_tools", &[module("none", &[]), module("data", &["get", "put"])]);
        assert!(text.contains("from mcp_tools.data import get "), "{text}");
        assert!(text.contains("import * as data from \"mcp_tools/data\";"), "{text}");
        assert!(text.ends_with("- `none`: \n- `data`: get, put\n"), "{text}");
        assert!(tools("mcp_tools", &[]).starts_with("No tools are known yet"));
        let many: Vec<Module> = (0..40).map(|number| module(&format!("m{number}"), &["f"])).collect();
        assert!(tools("mcp_tools", &many).ends_with("- and 10 more: `ls /opt/outboard/python/mcp_tools`\n"));
    }
}
