//! For each protection an attempt that fails with it and succeeds when it alone is switched off; and that a jail says
//! what it lacks, and is not made without what is required.

use std::os::unix::fs::PermissionsExt as _;

use outboard_jail::{
    Protection::{self, *},
    order::{Answer, Refusal},
};

use crate::driver::{As, Folder, Jail, Outside, everyone, order, shown};

/// Everybody, or one of them.
const BOTH: &[As] = &[As::Root, As::Ordinary];
const ROOT: &[As] = &[As::Root];
const ORDINARY: &[As] = &[As::Ordinary];

/// What is switched off, the attempts that succeed then, and as whom this is so.
const WALLS: &[(&[Protection], &[&str], &[As])] = &[
    (&[OwnUser], &["read_what_only_root_may"], ROOT),
    (&[Root], &["stat_outside_path_in_old_root"], BOTH),
    (&[ReadOnlyRoot], &["change_root"], BOTH),
    (&[PidNamespace], &["find_outside"], BOTH),
    (&[NetNamespace], &["interfaces"], BOTH),
    (&[IpcNamespace], &["hosts_queues"], BOTH),
    (&[UtsNamespace], &["hosts_name"], BOTH),
    (&[CgroupNamespace], &["path_of_cgroup"], ROOT),
    (
        &[Seccomp],
        &["memfd_create", "run_from_memory", "socket_inet", "inotify_init1", "user_namespace", "personality"],
        BOTH,
    ),
    (&[Landlock], &["list_root", "list_dev"], BOTH),
    (&[Capabilities], &["capabilities"], BOTH),
    // Who installs a filter or a fence without rights gives up new ones, so these three go together.
    (&[NoNewPrivileges, Landlock, Seccomp], &["new_privileges"], BOTH),
    // A change of users closes the memory too, so for root this is not the only thing that does.
    (&[NonDumpable], &["read_first_process"], ORDINARY),
    (&[ProcessLimits], &["many_descriptors", "core_file"], BOTH),
    (&[ProcessCount], &["many_processes"], BOTH),
    (&[Memory], &["much_memory"], BOTH),
    (&[Disk], &["many_files", "fill_disk"], BOTH),
];

#[test]
fn each_protection_holds_back_what_succeeds_without_it() {
    let outside = Outside::new();
    let secrets = Folder::new();
    let secret = secrets.0.join("secret");
    std::fs::write(&secret, "of root").unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    for who in everyone() {
        let mut order = order();
        if who == As::Root {
            order.shown.push(shown(&secret, "/opt/secret"));
        }
        let mut whole = Jail::of(who, &[], &order, std::process::Stdio::null());
        for (off, attempts, whom) in WALLS.iter().filter(|(.., whom)| whom.contains(&who)) {
            for attempt in *attempts {
                // One that is ended for its memory says nothing.
                let with = whole.tried(&outside, &[*attempt]).remove(*attempt);
                assert_ne!(with.as_deref(), Some("ok"), "{attempt} as {who:?} in a whole jail");
            }
            let mut without = Jail::of(who, off, &order, std::process::Stdio::null());
            assert!(!without.standing(off[0]), "{off:?} is said to be off");
            let tried = without.tried(&outside, attempts);
            let failed: Vec<_> = tried.iter().filter(|(_, outcome)| *outcome != "ok").collect();
            assert!(
                failed.is_empty() && tried.len() == attempts.len(),
                "as {who:?} without {off:?}: {tried:?} {whom:?}"
            );
            without.close();
        }
        whole.close();
    }
}

#[test]
#[ignore = "long: measures shares of the processor, which takes a machine that is not busy"]
fn no_more_than_its_share_of_the_processor_is_had() {
    if !everyone().contains(&As::Root) {
        return;
    }
    let outside = Outside::new();
    let mut order = order();
    order.limits.cpu_percent = 20;
    let mut whole = Jail::of(As::Root, &[], &order, std::process::Stdio::null());
    if !whole.standing(Processor) {
        outboard_testkit::skip("no share of the processor can be set here");
        return;
    }
    assert_eq!(whole.tried(&outside, &["use_processor"])["use_processor"], "nothing");
    let mut without = Jail::of(As::Root, &[Processor], &order, std::process::Stdio::null());
    assert_eq!(without.tried(&outside, &["use_processor"])["use_processor"], "ok");
}

#[test]
fn a_whole_jail_says_that_everything_is_in_force() {
    for who in everyone() {
        let jail = Jail::new(who, &[]);
        for protection in Protection::ALWAYS {
            assert!(jail.standing(protection), "{protection:?} as {who:?}: {:?}", jail.answer);
        }
        assert_eq!(jail.standing(OwnUser), who == As::Root, "only root gives an own user");
        for protection in
            [IpcNamespace, UtsNamespace, CgroupNamespace, NonDumpable, Disk, Memory, ProcessCount]
        {
            assert!(jail.standing(protection), "{protection:?} as {who:?}: {:?}", jail.answer);
        }
        jail.close();
    }
}

#[test]
fn what_is_required_and_missing_is_a_refusal_that_names_it() {
    if !everyone().contains(&As::Ordinary) {
        return;
    }
    let mut order = order();
    order.required = vec![OwnUser];
    let jail = Jail::of(As::Ordinary, &[], &order, std::process::Stdio::null());
    let Answer::Refused(Refusal::Missing { protection, why }) = &jail.answer else {
        panic!("{:?}", jail.answer)
    };
    assert_eq!(
        (*protection, why.as_str()),
        (OwnUser, "only root can give one; outside it is the uid of this user")
    );
    order.required.clear();
    order.shown = vec![shown(std::path::Path::new("/not/there"), "/opt/x")];
    let jail = Jail::of(As::Ordinary, &[], &order, std::process::Stdio::null());
    let Answer::Refused(refusal) = &jail.answer else { panic!("{:?}", jail.answer) };
    assert!(refusal.to_string().contains("look at /not/there: No such file"), "{refusal}");
}
