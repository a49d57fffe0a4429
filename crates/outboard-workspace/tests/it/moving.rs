//! Files in and out, also those that are made to mislead whoever takes them out.

use std::{os::unix::fs::MetadataExt as _, time::Duration};

use outboard_runtime::ports::workspace::{Command, Workspace};
use outboard_workspace::files::{self, FilesFailed};

use crate::jail;

async fn bash(workspace: &dyn Workspace, script: &str) {
    let argv = ["/bin/bash", "-c", script].map(str::to_owned).to_vec();
    let command =
        Command { argv, input: None, merged: true, output: 4096, deadline: Duration::from_secs(20) };
    let ran = workspace.run(command).await.unwrap();
    assert_eq!(ran.end, outboard_runtime::ports::workspace::End::Code(0), "{ran:?}");
}

#[tokio::test]
async fn files_come_out_as_they_were_put_in() {
    let jail = jail().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    files::write(&jail, "data/in/x.bin", bytes.clone()).await.unwrap();
    assert_eq!(files::read(&jail, "data/in/x.bin").await.unwrap(), bytes);
    files::write(&jail, "data/in/x.bin", b"new".to_vec()).await.unwrap();
    assert_eq!(files::read(&jail, "data/in/x.bin").await.unwrap(), b"new");
    let missing = files::read(&jail, "nothing").await.unwrap_err();
    assert_eq!(missing.to_string(), "`nothing`: it is no plain file of the workspace");
    let refused = files::write(&jail, "/usr/x", b"x".to_vec()).await.unwrap_err();
    assert!(matches!(refused, FilesFailed::There { .. }), "{refused}");
    jail.close().await;
}

#[tokio::test]
async fn what_misleads_stays_where_it_is() {
    let jail = jail().await;
    bash(
        &jail,
        "mkdir -p 'a/b' && echo good > a/b/good.txt && ln -s /etc/passwd link && ln -s / root && mkfifo pipe && \
         printf x > $'es\\033[2Jcape' && printf x > $'two\\nlines' && printf x > 'c:\\x' && printf x > $'bad\\xff' && \
         ln -s ../../../../tmp/outside up && chmod 000 a/b/good.txt && echo open > a/open && mkdir .hidden && echo h > .hidden/h",
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let exported = files::export(&jail, &out).await.unwrap();
    assert_eq!(std::fs::read_to_string(out.join("a/open")).unwrap(), "open\n");
    assert_eq!(std::fs::read_to_string(out.join(".hidden/h")).unwrap(), "h\n");
    let mut written: Vec<String> = Vec::new();
    let mut folders = vec![out.clone()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(at).unwrap().flatten() {
            let of = entry.path().symlink_metadata().unwrap();
            assert!(of.is_dir() || of.is_file(), "{:?} is neither", entry.path());
            assert_eq!(of.mode() & 0o7000, 0);
            if of.is_dir() {
                folders.push(entry.path());
            } else {
                written.push(entry.file_name().into_string().unwrap());
            }
        }
    }
    written.sort();
    assert_eq!(written, ["README.md", "h", "open"]);
    assert_eq!(exported.files, 3);
    let left: Vec<&str> = exported.left.iter().map(|(path, _)| path.as_str()).collect();
    for path in ["link", "root", "pipe", "up", "es\u{1b}[2Jcape", "two\nlines", "c:\\x", "a/b/good.txt"] {
        assert!(left.contains(&path), "{path:?} of {left:?}");
    }
    assert!(matches!(files::export(&jail, &out).await.unwrap_err(), FilesFailed::Taken(_)));
    // Neither a pipe nor a device is waited for.
    assert!(files::read(&jail, "pipe").await.is_err() && files::write(&jail, "pipe", vec![1]).await.is_err());
    assert!(files::read(&jail, "/dev/zero").await.is_err());
    jail.close().await;
}
