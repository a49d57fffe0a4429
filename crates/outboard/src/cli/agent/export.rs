//! Takes the files of an agent's workspace out before they go with it, as `outboard workspace export` does while it runs.
//! Which files leave a workspace, outboard-workspace says.

use std::path::{Path, PathBuf};

use crate::{
    cli::context::Context,
    report::{self, Failure, USAGE, counted, escaped},
    workspace::{Desk, Reply, Request},
};

/// The folder as all processes of this user would name it. It must not be there yet.
pub(super) fn folder(given: &Path) -> Result<PathBuf, Failure> {
    let folder = std::path::absolute(given).map_err(|error| Failure::could_not(&error).code(USAGE))?;
    if folder.symlink_metadata().is_ok() {
        let what = format!("{} is there already", folder.display());
        return Err(Failure::new(escaped(&what))
            .hint("--export takes a folder that is not there yet")
            .code(USAGE));
    }
    Ok(folder)
}

/// Writes what is in the workspace of this process into the folder.
pub(super) async fn export(context: &Context, folder: &Path) -> Result<(), Failure> {
    let desk = Desk::at(&context.places.state);
    let own = format!("-{}", std::process::id());
    let Some(name) = desk.names().into_iter().find(|name| name.ends_with(&own)) else {
        report::warn("nothing is exported: the agent had no workspace, or has none any more");
        return Ok(());
    };
    let unwritten = |why: &str| Failure::new(format_args!("the files are not exported: {}", escaped(why)));
    match desk.ask(&name, &Request::Export { folder: folder.to_owned() }).await {
        Ok(Reply::Exported { files, bytes, left }) => {
            let files = counted(files, "file");
            report::note(format_args!("{files}, {bytes} bytes, written to {}", folder.display()));
            for (path, why) in left {
                report::warn(format_args!("{} was left: {why}", escaped(&path)));
            }
            Ok(())
        }
        Ok(Reply::Failed(why)) => Err(unwritten(&why)),
        Ok(_) => Err(unwritten("the workspace answered something else")),
        Err(error) => Err(unwritten(&error.to_string())),
    }
}
