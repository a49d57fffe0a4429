//! Every attempt with what must come of it in the jail, and that outside it succeeds.

use std::collections::BTreeMap;

use crate::{
    driver::{As, Jail, Outside, everyone},
    python::{jail as ready_jail, until_ready},
};

/// Whether an attempt succeeds outside, and if not, why it is not tried or fails there too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum There {
    /// For everybody.
    Succeeds,
    /// For root.
    ForRoot,
    /// It would do harm.
    Harmful,
    /// Not on every machine: it takes a device, a service or a kernel that has it.
    Depends,
}

use There::{Depends, ForRoot, Harmful, Succeeds};

/// What must come of each in the jail.
const EXPECTED: &[(&str, &str, There)] = &[
    // Files
    ("read_users", "nothing", Succeeds),
    ("read_shadow", "ENOENT", ForRoot),
    ("list_root", "EACCES", Succeeds),
    ("list_dev", "EACCES", Succeeds),
    ("list_home", "EACCES", Depends),
    ("see_root_home", "ENOENT", Depends),
    ("see_var", "ENOENT", Succeeds),
    ("see_sys", "ENOENT", Succeeds),
    ("host_memory_in_proc", "ENOENT", Succeeds),
    ("kernel_settings_in_proc", "ENOENT", Succeeds),
    ("outside_process_in_proc", "ENOENT", Succeeds),
    ("stat_outside_path", "ENOENT", Succeeds),
    ("read_outside_file", "ENOENT", Succeeds),
    ("follow_symlink_out", "ENOENT", Succeeds),
    ("write_system", "EROFS", Harmful),
    ("write_root", "EROFS", Harmful),
    ("change_root", "EROFS", Harmful),
    ("change_system", "EROFS", Harmful),
    ("read_first_process", "EACCES", Depends),
    ("run_first_processes_program", "EACCES", Depends),
    ("descriptors_of_first_process", "EACCES", Depends),
    ("root_of_first_process", "EACCES", Depends),
    ("hardlink_program", "EXDEV", Depends),
    ("mknod", "EPERM", Harmful),
    ("setuid_bit", "EPERM", Succeeds),
    ("setuid_bit_at_creation", "nothing", Depends),
    ("open_by_handle", "EPERM", Harmful),
    ("name_to_handle", "EPERM", Depends),
    ("up_from_inherited_folder", "EBADF", Depends),
    ("inherited_descriptors", "nothing", Depends),
    ("read_outside_shared_memory", "ENOENT", Succeeds),
    ("see_kvm", "ENOENT", Depends),
    ("see_tty", "ENOENT", Depends),
    ("see_mem", "ENOENT", Depends),
    ("see_kmsg", "ENOENT", Depends),
    ("see_ptmx", "ENOENT", Depends),
    ("see_fuse", "ENOENT", Depends),
    ("see_net_tun", "ENOENT", Depends),
    ("docker_socket", "ENOENT", Depends),
    ("set_attribute", "EPERM", Depends),
    // Environment and descriptors
    ("secret_in_environment", "nothing", Succeeds),
    ("pidfd_getfd", "EPERM", Depends),
    // Network
    ("socket_inet", "EPERM", Succeeds),
    ("socket_inet6", "EPERM", Depends),
    ("socket_netlink", "EPERM", Succeeds),
    ("socket_packet", "EPERM", ForRoot),
    ("socket_vsock", "EPERM", Depends),
    ("socket_alg", "EPERM", Depends),
    ("socket_family_with_high_bits", "EPERM", Succeeds),
    ("gateways_own_port", "EPERM", Succeeds),
    ("metadata_service", "EPERM", Depends),
    ("resolve_a_name", "unresolved", Depends),
    ("unix_socket_by_path", "ENOENT", Succeeds),
    ("unix_socket_by_abstract_name", "ECONNREFUSED", Succeeds),
    ("interfaces", "nothing", Depends),
    // Processes
    ("kill_first", "nothing", Harmful),
    ("find_outside", "ESRCH", Succeeds),
    ("kill_outside", "ESRCH", Harmful),
    ("slow_outside", "ESRCH", Harmful),
    ("pin_outside", "EPERM", Harmful),
    ("pin_self", "EPERM", Succeeds),
    ("trace", "EPERM", Depends),
    ("read_others_memory", "EPERM", Succeeds),
    ("pidfd_open", "EPERM", Succeeds),
    ("kcmp", "EPERM", Depends),
    ("ioprio_set", "EPERM", Depends),
    ("raise_priority", "EACCES", ForRoot),
    ("raise_limits", "refused: not allowed to raise maximum limit", Depends),
    ("many_descriptors", "EMFILE", Depends),
    ("core_file", "nothing", Depends),
    ("capabilities", "nothing", Depends),
    ("new_privileges", "nothing", Depends),
    ("real_owners", "nothing", Succeeds),
    ("hosts_name", "nothing", Succeeds),
    ("hosts_queues", "nothing", Succeeds),
    ("path_of_cgroup", "nothing", Depends),
    ("hide_from_watch", "EPERM", Succeeds),
    // Parts of the kernel
    ("user_namespace", "EPERM", Depends),
    ("mount_namespace", "EPERM", Depends),
    ("clone_namespace", "EPERM", Depends),
    ("clone_namespace_with_high_bits", "EPERM", Depends),
    ("clone3_namespace", "ENOSYS", Depends),
    ("setns", "EPERM", ForRoot),
    ("mount", "EPERM", Harmful),
    ("umount", "EPERM", Harmful),
    ("pivot_root", "EPERM", Harmful),
    ("chroot", "EPERM", ForRoot),
    ("fsopen", "EPERM", ForRoot),
    ("open_tree", "EPERM", Succeeds),
    ("mount_setattr", "EPERM", Depends),
    ("io_uring", "EPERM", Depends),
    ("bpf", "EPERM", Depends),
    ("perf", "EPERM", Depends),
    ("keyctl", "EPERM", Depends),
    ("add_key", "EPERM", Depends),
    ("request_key", "EPERM", Depends),
    ("userfaultfd", "EPERM", Depends),
    ("memfd_create", "EPERM", Succeeds),
    ("memfd_secret", "EPERM", Depends),
    ("run_from_memory", "EPERM", Succeeds),
    ("execveat", "EPERM", Depends),
    ("personality", "EPERM", Succeeds),
    ("type_into_terminal", "EPERM", Depends),
    ("type_into_terminal_with_high_bits", "EPERM", Depends),
    ("paste_into_console", "EPERM", Depends),
    ("splice", "ENOSYS", Succeeds),
    ("vmsplice", "EPERM", Succeeds),
    ("shmget", "EPERM", Depends),
    ("semget", "EPERM", Depends),
    ("msgget", "EPERM", Depends),
    ("mq_open", "EPERM", Depends),
    ("inotify_init1", "EPERM", Succeeds),
    ("fanotify", "EPERM", Harmful),
    ("syslog", "EPERM", Depends),
    ("sethostname", "EPERM", Harmful),
    ("swapon", "EPERM", Harmful),
    ("init_module", "EPERM", Harmful),
    ("reboot", "EPERM", Harmful),
    ("set_clock", "EPERM", Harmful),
    ("sync", "EPERM", Harmful),
    ("quotactl", "EPERM", Depends),
    ("setuid_zero", "EPERM", ForRoot),
    ("setgid_zero", "EPERM", ForRoot),
    ("nested_seccomp", "EPERM", Succeeds),
    ("nested_seccomp_by_prctl", "EPERM", Succeeds),
];

/// The same for calls that only x86-64 has.
#[cfg(target_arch = "x86_64")]
const OF_X86: &[(&str, &str, There)] = &[
    ("x32_call", "ENOSYS", Depends),
    ("call_of_i386", "SIGSYS", Depends),
    ("iopl", "EPERM", Harmful),
    ("modify_ldt", "EPERM", Depends),
];
#[cfg(not(target_arch = "x86_64"))]
const OF_X86: &[(&str, &str, There)] = &[];

fn all() -> Vec<(&'static str, &'static str, There)> {
    EXPECTED.iter().chain(OF_X86).copied().collect()
}

#[test]
fn every_attempt_in_the_jail_meets_the_error_that_it_must() {
    let names: Vec<&str> = all().iter().map(|(name, ..)| *name).collect();
    for who in everyone() {
        let mut outside = Outside::new();
        let mut jail = Jail::new(who, &[]);
        assert_held(who, &jail.tried(&outside, &names));
        assert!(outside.victim_lives());
        // Whatever was tried, the jail goes on.
        assert_eq!(jail.bash("echo alive").output, "alive\n");
        jail.close();
    }
}

/// That each met what it must.
fn assert_held(who: As, tried: &BTreeMap<String, String>) {
    let wrong: Vec<String> = all()
        .iter()
        .filter(|(name, expected, _)| tried.get(*name).map(String::as_str) != Some(expected))
        .map(|(name, expected, _)| format!("{name}: {:?}, must be {expected}", tried.get(*name)))
        .collect();
    assert!(wrong.is_empty(), "as {who:?}:\n{}", wrong.join("\n"));
}

#[test]
fn a_fork_of_the_python_that_is_ready_is_held_by_the_same() {
    let names: Vec<&str> = all().iter().map(|(name, ..)| *name).collect();
    for who in everyone() {
        let outside = Outside::new();
        let mut jail = ready_jail(who);
        until_ready(&mut jail);
        assert_held(who, &jail.tried_by("/opt/outboard/bin/python3", &outside, &names));
        jail.close();
    }
}

#[test]
fn the_same_attempts_succeed_outside() {
    let outside = Outside::new();
    for who in everyone() {
        let those: Vec<&str> = all()
            .iter()
            .filter(|(_, _, there)| *there == Succeeds || *there == ForRoot && who == As::Root)
            .map(|(name, ..)| *name)
            .collect();
        let tried = outside.tried_outside(who, &those);
        let wrong: Vec<_> = tried.iter().filter(|(_, outcome)| *outcome != "ok").collect();
        assert!(wrong.is_empty() && tried.len() == those.len(), "as {who:?}: {wrong:?}");
    }
}

#[test]
fn those_that_depend_on_the_machine_succeed_somewhere() {
    let outside = Outside::new();
    let those: Vec<&str> =
        all().iter().filter(|(_, _, there)| *there == Depends).map(|(name, ..)| *name).collect();
    let tried: Vec<_> = everyone().into_iter().map(|who| outside.tried_outside(who, &those)).collect();
    let nowhere: Vec<&str> = those
        .iter()
        .filter(|name| !tried.iter().any(|tried| tried.get(**name).is_some_and(|outcome| outcome == "ok")))
        .copied()
        .collect();
    // What this machine cannot show is said, and does not count as shown.
    if !nowhere.is_empty() {
        outboard_testkit::skip(&format!("cannot be shown to succeed outside here: {}", nowhere.join(", ")));
    }
}
