//! How a workspace's jail is furnished: who lives there, what its environment is, what is shown of the host.
//! It starts nothing.

use std::path::{Path, PathBuf};

use outboard_jail::{
    HOME, Protection,
    order::{Limits, Order, Shown},
};

/// Where Python finds packages that are put there.
pub const PYTHON_PACKAGES: &str = "/opt/outboard/python";
/// Where node finds packages from the agent's home and from `/tmp`: it looks in the folders above a file, and for `import`
/// nowhere else.
pub const NODE_PACKAGES: &str = "/node_modules";

/// The users of the jail: the agent, and whoever owns what is the host's.
const PASSWD: &str =
    "agent:x:1000:1000:agent:/home/agent:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";
const GROUP: &str = "agent:x:1000:\nnogroup:x:65534:\n";
const HOSTS: &str = "127.0.0.1 localhost workspace\n";
const NAMES: &str = "passwd: files\ngroup: files\nhosts: files\n";

/// What a workspace is furnished with.
#[derive(Clone, Debug, Default)]
pub struct Furnishing {
    /// What stands in the workspace's `README.md`.
    pub readme: String,
    /// Files of generated packages, read-only: their absolute paths in the workspace, and their texts.
    pub packages: Vec<(PathBuf, String)>,
    /// Files and folders of the host that are shown, where they are on the host too.
    pub shown: Vec<PathBuf>,
    /// What it may use.
    pub limits: Limits,
    /// Protections that it must have beside those that none lacks.
    pub required: Vec<Protection>,
    /// Whether tool calls are answered.
    pub tools: bool,
}

/// The order for a jail that is furnished so.
pub fn order(furnishing: &Furnishing) -> Order {
    let mut files: Vec<(PathBuf, String)> = [
        ("/etc/passwd", PASSWD),
        ("/etc/group", GROUP),
        ("/etc/hosts", HOSTS),
        ("/etc/nsswitch.conf", NAMES),
    ]
    .map(|(path, text)| (PathBuf::from(path), text.to_owned()))
    .to_vec();
    files.push((Path::new(HOME).join("README.md"), furnishing.readme.clone()));
    files.extend(furnishing.packages.iter().cloned());
    let shown = furnishing.shown.iter();
    let mut environment = vec![
        ("PATH".to_owned(), search_path(&furnishing.shown)),
        ("HOME".to_owned(), HOME.to_owned()),
        ("USER".to_owned(), "agent".to_owned()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
        ("TERM".to_owned(), "dumb".to_owned()),
        ("PYTHONPATH".to_owned(), PYTHON_PACKAGES.to_owned()),
        ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
        ("NODE_PATH".to_owned(), NODE_PACKAGES.to_owned()),
    ];
    if furnishing.tools {
        environment.push(("OUTBOARD_SOCKET".to_owned(), outboard_jail::TOOLS.to_owned()));
    }
    Order {
        shown: shown.map(|path| Shown { host: path.clone(), inside: path.clone() }).collect(),
        files,
        environment,
        limits: furnishing.limits,
        required: furnishing.required.clone(),
        tools: furnishing.tools,
    }
}

/// The system's folders of programs, and those of what is shown.
fn search_path(shown: &[PathBuf]) -> String {
    let own = shown.iter().map(|folder| folder.join("bin")).filter(|folder| folder.is_dir());
    let own = own.filter_map(|folder| folder.to_str().map(str::to_owned));
    own.chain(["/usr/local/bin", "/usr/bin", "/bin"].map(str::to_owned)).collect::<Vec<_>>().join(":")
}
