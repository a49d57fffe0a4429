//! `outboard man`: the man pages, from the same definitions as the command line: one for the program on standard
//! output, or one for each command in a directory. It writes nothing else.

use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;

use crate::report::{self, EXIT_CODES, Failure};

/// Options of `outboard man`.
#[derive(Debug, Args)]
pub(super) struct Manual {
    /// Write a page for every command to this directory instead of one to standard output
    directory: Option<PathBuf>,
}

/// A page could not be written.
#[derive(Debug, thiserror::Error)]
#[error("write {}", path.display())]
struct Unwritten {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl Manual {
    pub(super) fn run(self, command: clap::Command) -> Result<(), Failure> {
        // Built, commands know their full names and all their options.
        let mut command = command.disable_help_subcommand(true);
        command.build();
        let Some(directory) = self.directory else {
            report::bytes(&page(&command).map_err(|error| Failure::could_not(&error))?);
            return Ok(());
        };
        write(&directory, &command).map_err(|error| Failure::could_not(&error))
    }
}

fn write(directory: &Path, command: &clap::Command) -> Result<(), Unwritten> {
    std::fs::create_dir_all(directory).map_err(|source| Unwritten { path: directory.to_owned(), source })?;
    for command in std::iter::once(command).chain(command.get_subcommands()) {
        let name = command.get_display_name().unwrap_or(command.get_name());
        let path = directory.join(format!("{name}.1"));
        page(command)
            .and_then(|page| std::fs::write(&path, page))
            .map_err(|source| Unwritten { path: path.clone(), source })?;
        report::line(path.display());
    }
    Ok(())
}

fn page(command: &clap::Command) -> std::io::Result<Vec<u8>> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    page.extend_from_slice(b".SH \"EXIT STATUS\"\n");
    for (code, meaning) in EXIT_CODES {
        page.extend_from_slice(format!(".TP\n\\fB{code}\\fR\n{meaning}\n").as_bytes());
    }
    if command.get_version().is_some() {
        man.render_version_section(&mut page)?;
    }
    Ok(page)
}
