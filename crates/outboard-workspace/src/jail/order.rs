//! How a workspace's jail is furnished: who lives there, what its environment is, what is shown of the host.
//! It starts nothing.

use std::path::PathBuf;

use outboard_jail::order::{Order, Shown};

use crate::furnishing::Furnishing;

/// The users of the jail: the agent, and whoever owns what is the host's.
const PASSWD: &str =
    "agent:x:1000:1000:agent:/home/agent:/bin/bash\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";
const GROUP: &str = "agent:x:1000:\nnogroup:x:65534:\n";
const HOSTS: &str = "127.0.0.1 localhost workspace\n";
const NAMES: &str = "passwd: files\ngroup: files\nhosts: files\n";
/// Where the system has its programs.
const PROGRAMS: [&str; 3] = ["/usr/local/bin", "/usr/bin", "/bin"];

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
    files.extend(furnishing.written().map(|(path, text)| (path, text.to_owned())));
    let shown = furnishing.shown.iter();
    let path = format!("{}:{}", outboard_jail::PYTHON, furnishing.search_path(&PROGRAMS));
    let mut environment = vec![("PATH".to_owned(), path)];
    environment.extend(furnishing.environment());
    Order {
        shown: shown.map(|path| Shown { host: path.clone(), inside: path.clone() }).collect(),
        files,
        environment,
        limits: furnishing.limits,
        required: furnishing.required.clone(),
        ready_python: true,
        tools: furnishing.tools,
    }
}
