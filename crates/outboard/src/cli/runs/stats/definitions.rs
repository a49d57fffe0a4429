//! What definitions of tools cost that a direct client has before its model, by the directory that a run was begun in: another
//! one may have other servers. It reads what was listed last and starts nobody.

use std::{
    collections::{HashMap, hash_map::Entry},
    path::{Path, PathBuf},
};

use outboard_runtime::{
    catalogue::Snapshot,
    ids::{Namespace, UpstreamName},
    journal::{Savings, signed, split},
    present::count_tokens,
};

use crate::{
    cli::{context::Context, list, standing, variable},
    config::Configuration,
    report::Failure,
    wiring::{Purpose, System, Wanted},
};

/// What definitions cost in one directory.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions {
    upstreams: HashMap<Namespace, (UpstreamName, usize)>,
    /// What Outboard shows instead.
    own: usize,
    /// The same with a workspace.
    own_with_workspace: usize,
}

/// What a run did without, and what it took instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shares {
    /// Definitions of its turn, by upstream, less what Outboard shows in it, of which each bears its share.
    pub(super) definitions: Vec<(UpstreamName, i64)>,
    /// What Outboard showed in the turns of which there is no record: a direct client would not have taken them.
    pub(super) own: i64,
}

/// What is known of the directories that runs were begun in.
pub(super) struct Places<'a> {
    here: &'a Context,
    known: HashMap<String, Option<Definitions>>,
    none: Definitions,
}

impl Definitions {
    fn of(snapshot: &Snapshot, configuration: &Configuration) -> Self {
        let upstreams = snapshot.members().iter().filter_map(|member| {
            let listing = member.listing.as_deref()?;
            let instructions = listing.instructions.as_deref().map_or(0, count_tokens);
            let tokens = standing::direct_tokens(listing) + instructions;
            Some((member.namespace.clone(), (member.upstream.clone(), tokens)))
        });
        let own = |workspace| {
            list::own_tokens(snapshot, configuration, workspace)
                + list::own_instructions(snapshot, configuration, workspace)
        };
        Self { upstreams: upstreams.collect(), own: own(false), own_with_workspace: own(true) }
    }

    /// What a run did not have before its model. Where nothing is known of any of its upstreams, nothing is claimed.
    pub(super) fn kept_by(&self, run: &Savings, has_turn: bool, in_workspace: bool) -> Shares {
        let own = if in_workspace { self.own_with_workspace } else { self.own };
        let turns = i64::from(run.before.answers);
        Shares {
            definitions: if has_turn { self.of_turn(&run.namespaces, own) } else { Vec::new() },
            own: signed(own).saturating_mul(turns),
        }
    }

    fn of_turn(&self, namespaces: &[Namespace], own: usize) -> Vec<(UpstreamName, i64)> {
        let seen: Vec<&(UpstreamName, usize)> =
            namespaces.iter().filter_map(|namespace| self.upstreams.get(namespace)).collect();
        let tokens: Vec<usize> = seen.iter().map(|(_, tokens)| *tokens).collect();
        let own = split(own, &tokens);
        let each = seen.into_iter().zip(own);
        each.map(|((upstream, tokens), own)| (upstream.clone(), signed(*tokens) - signed(own))).collect()
    }
}

impl<'a> Places<'a> {
    pub(super) fn of(here: &'a Context) -> Self {
        Self { here, known: HashMap::new(), none: Definitions::default() }
    }

    /// What definitions cost in this directory.
    pub(super) async fn definitions(&mut self, place: &str) -> &Definitions {
        let known = match self.known.entry(place.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            // Whatever is wrong there is told there, and not here.
            Entry::Vacant(free) => free.insert(read(self.here, Path::new(place)).await.ok().flatten()),
        };
        known.as_ref().unwrap_or(&self.none)
    }

    /// Of how many directories nothing is known.
    pub(super) fn unknown(&self) -> usize {
        self.known.values().filter(|known| known.is_none()).count()
    }
}

/// `None` of a directory that is no more.
async fn read(here: &Context, place: &Path) -> Result<Option<Definitions>, Failure> {
    if place == here.directory {
        return listed(here).await.map(Some);
    }
    if !place.is_absolute() || !place.is_dir() {
        return Ok(None);
    }
    listed(&Context::load_quietly_in(PathBuf::from(place))?).await.map(Some)
}

async fn listed(context: &Context) -> Result<Definitions, Failure> {
    let purpose = Purpose { command: "stats", directory: &context.directory };
    let nobody = Wanted::Those(&|_| false);
    let system = System::start(&context.configuration, &context.places, purpose, &variable, nobody)?;
    let definitions = Definitions::of(&system.runtime.catalogue().snapshot(), &context.configuration);
    system.shutdown().await;
    Ok(definitions)
}

#[cfg(test)]
mod tests {
    use outboard_runtime::journal::Shown;

    use super::*;

    #[test]
    fn what_outboard_shows_is_taken_off_whole_even_if_it_is_more() {
        let upstream = |name: &str, tokens| (Namespace::from(name), (UpstreamName::from(name), tokens));
        let upstreams = [upstream("a", 100), upstream("b", 50)].into();
        let definitions = Definitions { upstreams, own: 300, own_with_workspace: 400 };
        let kept = |names: &[&str], in_workspace| -> i64 {
            let namespaces = names.iter().map(|name| Namespace::from(*name)).collect();
            let run = Savings { namespaces, ..Savings::default() };
            let shares = definitions.kept_by(&run, true, in_workspace);
            assert_eq!(shares.own, 0);
            shares.definitions.iter().map(|(_, tokens)| tokens).sum()
        };
        assert_eq!(
            (kept(&["a", "b"], false), kept(&["b"], false), kept(&["gone"], false), kept(&[], false)),
            (-150, -250, 0, 0)
        );
        assert_eq!(kept(&["a", "b"], true), -250);
    }

    #[test]
    fn turns_that_a_direct_client_would_not_have_taken_cost_what_outboard_shows_in_them() {
        let definitions = Definitions { own: 300, ..Definitions::default() };
        let before = Shown { answers: 2, tokens: 1_000 };
        let run = Savings { before, ..Savings::default() };
        assert_eq!(definitions.kept_by(&run, false, false), Shares { definitions: Vec::new(), own: 600 });
    }
}
