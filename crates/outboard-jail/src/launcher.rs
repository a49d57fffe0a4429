//! The launcher's two halves: outside, it makes the namespaces, says who is who in them, limits them and waits; inside,
//! it builds the root, gives up every right, step by step, and becomes the warden.

use std::{
    io,
    os::fd::{AsFd as _, OwnedFd},
    os::unix::net::UnixStream,
    path::Path,
    process::ExitCode,
};

use nix::sys::{
    signal::{Signal, kill},
    socket::{Backlog, UnixAddr, bind, listen},
    wait::waitpid,
};

use crate::{
    TOOLS,
    cgroup::{Groups, What},
    fence, filter,
    frame::{self, Kind},
    namespaces::{self, Gate},
    order::{Answer, Order, Refusal},
    protection::{Protection, Standing},
    python::Interpreter,
    rights, root, sys,
    warden::Warden,
};

/// The jail's host name.
const HOST: &str = "workspace";

/// What is known of the protections while the jail is being made.
struct Ledger {
    standings: Vec<Standing>,
    required: Vec<Protection>,
    off: Vec<Protection>,
}

impl Ledger {
    fn wanted(&self, protection: Protection) -> bool {
        !self.off.contains(&protection)
    }

    /// Notes how a protection stands, with how or why not. One that is required and missing is the end.
    fn note(&mut self, protection: Protection, done: Result<String, String>) -> Result<(), Refusal> {
        let (in_force, note) = match done {
            _ if !self.wanted(protection) => (false, "switched off".to_owned()),
            Ok(note) => (true, note),
            Err(why) => {
                let always = Protection::ALWAYS.contains(&protection);
                if always || self.required.contains(&protection) {
                    return Err(Refusal::Missing { protection, why });
                }
                (false, why)
            }
        };
        self.standings.push(Standing { protection, in_force, note });
        Ok(())
    }

    /// Does what a protection takes, unless it is switched off, and notes it.
    fn take<E: std::fmt::Display>(
        &mut self,
        protection: Protection,
        note: &str,
        step: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), Refusal> {
        let done = if self.wanted(protection) { step() } else { Ok(()) };
        self.note(protection, done.map(|()| note.to_owned()).map_err(|error| error.to_string()))
    }
}

/// Is the launcher to its end.
pub(crate) fn main(off: &[Protection]) -> ExitCode {
    // Whatever Outboard was started with must not reach the jail.
    let streams = sys::close_from(3).and_then(|()| take_streams());
    let Ok((mut control, tools)) = streams else { return ExitCode::FAILURE };
    namespaces::leave_groups();
    // Before the order, because a launcher may be started ahead of it.
    let groups = Groups::enter(|what| !off.contains(&protection_of(what)));
    let order = match frame::read(&mut control) {
        Ok(Some((Kind::Order, body))) => serde_json::from_slice::<Order>(&body).map_err(io::Error::from),
        Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        Err(error) => Err(error),
    };
    match order {
        Ok(order) => launch(control, tools, &order, groups, off),
        Err(error) => refuse(&mut control, failed("read the order")(error)),
    }
}

/// The control stream, which is standard input, and the socket for tools, which is standard output.
fn take_streams() -> io::Result<(UnixStream, OwnedFd)> {
    let control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let tools = io::stdout().as_fd().try_clone_to_owned()?;
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    nix::unistd::dup2_stdin(&null)?;
    nix::unistd::dup2_stdout(&null)?;
    Ok((control, tools))
}

/// Outside: makes the process inside, and waits for its end. Inside: is that process.
fn launch(
    mut control: UnixStream,
    tools: OwnedFd,
    order: &Order,
    mut groups: Groups,
    off: &[Protection],
) -> ExitCode {
    groups.limit(&order.limits);
    let gate = match Gate::new() {
        Ok(gate) => gate,
        Err(error) => return refuse(&mut control, failed("make a pipe")(error)),
    };
    let child = match namespaces::enter(off) {
        Ok(Some(child)) => child,
        Ok(None) => {
            // They are the outer process's to remove.
            std::mem::forget(groups);
            return inside(control, tools, order, gate, off);
        }
        Err(error) => {
            let (protection, why) = (Protection::UserNamespace, namespaces::why_not(&error));
            return refuse(&mut control, Refusal::Missing { protection, why });
        }
    };
    let told = match namespaces::map_user(child, off) {
        Ok(standing) => {
            let standings = group_standings(standing, &groups);
            serde_json::to_vec(&standings).map_err(io::Error::from).and_then(|told| gate.open(&told))
        }
        Err(error) => Err(error),
    };
    if let Err(error) = told {
        // It has not begun.
        let _ = kill(child, Signal::SIGKILL);
        let _ = waitpid(child, None);
        return refuse(&mut control, failed("map the user of the namespace")(error));
    }
    // From here on the stream is the inner process's alone: when that ends, Outboard sees its end.
    drop((control, tools));
    let ended = waitpid(child, None);
    drop(groups);
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn failed<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> Refusal {
    move |error| Refusal::Failed(format!("{what}: {error}"))
}

/// Says why there is no jail. If nobody hears it, nobody waits for one.
fn refuse(control: &mut UnixStream, refusal: Refusal) -> ExitCode {
    let _ = answer(control, &Answer::Refused(refusal));
    ExitCode::FAILURE
}

fn answer(control: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    frame::write(control, Kind::Answer, &serde_json::to_vec(answer)?)
}

fn protection_of(what: What) -> Protection {
    match what {
        What::Memory => Protection::Memory,
        What::Processes => Protection::ProcessCount,
        What::Processor => Protection::Processor,
    }
}

/// What is known outside of how protections stand.
fn group_standings(own_user: Standing, groups: &Groups) -> Vec<Standing> {
    let of_groups = [What::Memory, What::Processes, What::Processor].map(|what| {
        let problem = groups.problem(what);
        let note = problem.clone().unwrap_or_else(|| "a cgroup".to_owned());
        Standing { protection: protection_of(what), in_force: problem.is_none(), note }
    });
    [own_user].into_iter().chain(of_groups).collect()
}

/// Inside: shuts itself in, says so, and runs what it is told until the stream ends.
fn inside(
    mut control: UnixStream,
    tools: OwnedFd,
    order: &Order,
    gate: Gate,
    off: &[Protection],
) -> ExitCode {
    // If whoever maps the user has ended, so does this.
    let Some(outside) = gate.pass() else { return ExitCode::FAILURE };
    if let Err(error) = sys::forget_signals() {
        return refuse(&mut control, failed("have signals do what they do")(error));
    }
    let mut ledger = Ledger { standings: Vec::new(), required: order.required.clone(), off: off.to_vec() };
    // What is found here is shown in the jail at the same place, or is not there.
    let interpreter = order.ready_python.then(|| Interpreter::find(&order.environment)).flatten();
    match shut_in(&mut ledger, &outside, tools, order, interpreter.as_ref()) {
        Ok(watched) => {
            if answer(&mut control, &Answer::Ready(ledger.standings)).is_err() {
                return ExitCode::FAILURE;
            }
            Warden::new(control, order.environment.clone(), watched, interpreter).run()
        }
        Err(refusal) => refuse(&mut control, refusal),
    }
}

/// Gives up the host, and then one right after another: each step needs what later steps take away. Gives the bytes of
/// memory that the warden has to watch over, if no group does.
fn shut_in(
    ledger: &mut Ledger,
    outside: &[u8],
    tools: OwnedFd,
    order: &Order,
    interpreter: Option<&Interpreter>,
) -> Result<Option<u64>, Refusal> {
    let outside: Vec<Standing> = serde_json::from_slice(outside).map_err(failed("hear of the limits"))?;
    ledger.note(Protection::UserNamespace, Ok(String::new()))?;
    let known = |protection| outside.iter().find(|standing| standing.protection == protection);
    let of_group = |protection| match known(protection) {
        Some(Standing { in_force: true, note, .. }) => Ok(note.clone()),
        Some(Standing { note, .. }) => Err(note.clone()),
        None => Err("nothing is known of it".to_owned()),
    };
    ledger.note(Protection::OwnUser, of_group(Protection::OwnUser))?;

    // What belongs to the host is taken while this is still the host's user; what is made is the jail's user's.
    root::part_from_host().map_err(failed("leave the host's files"))?;
    let shelf = root::Shelf::take(order).map_err(failed("take what is to be shown"))?;
    namespaces::become_user().map_err(failed("become the jail's user"))?;
    let without_proc =
        root::build(&shelf, order, interpreter, &ledger.off).map_err(failed("make the root"))?;
    drop(shelf);
    let proc =
        without_proc.as_ref().map_or("its own /proc".to_owned(), |why| format!("without /proc: {why}"));
    ledger.note(Protection::Root, Ok(proc))?;
    if order.tools {
        listen_at_tools(&tools).map_err(failed("listen for tool calls"))?;
    }
    drop(tools);
    ledger.take(Protection::ReadOnlyRoot, "", root::close)?;
    ledger.note(Protection::PidNamespace, Ok(String::new()))?;
    ledger.note(Protection::NetNamespace, Ok("no network".to_owned()))?;
    ledger.note(Protection::IpcNamespace, Ok(String::new()))?;
    ledger.take(Protection::UtsNamespace, HOST, || nix::unistd::sethostname(HOST))?;
    ledger.take(Protection::CgroupNamespace, "", namespaces::hide_cgroups)?;
    ledger.note(Protection::Disk, Ok(String::new()))?;
    // A kernel without keyrings has none to leave.
    let _ = sys::leave_keyring();

    ledger.take(Protection::NonDumpable, "", rights::close_memory)?;
    // After the change of users, which resets it.
    sys::die_with_parent().map_err(failed("be tied to the launcher"))?;
    ledger.take(Protection::ProcessLimits, "", || rights::limit_process(&order.limits))?;
    let counted = of_group(Protection::ProcessCount);
    let by_user = ledger.wanted(Protection::ProcessCount).then(|| rights::limit_processes(&order.limits));
    let counted = match (counted, by_user) {
        (Ok(group), _) => Ok(group),
        (Err(_), Some(Ok(()))) => Ok("a limit of this user in this namespace".to_owned()),
        (Err(why), _) => Err(why),
    };
    ledger.note(Protection::ProcessCount, counted)?;
    let (memory, watched) = match of_group(Protection::Memory) {
        Ok(group) => (Ok(group), None),
        Err(_) if without_proc.is_none() && ledger.wanted(Protection::Memory) => {
            (Ok("watched, without a cgroup".to_owned()), Some(order.limits.memory))
        }
        Err(why) => (Err(why), None),
    };
    ledger.note(Protection::Memory, memory)?;
    ledger.note(Protection::Processor, of_group(Protection::Processor))?;
    ledger.take(Protection::Capabilities, "", rights::drop_capabilities)?;
    ledger.take(Protection::NoNewPrivileges, "", rights::no_new_privileges)?;
    let fence = if ledger.wanted(Protection::Landlock) { fence::put_up() } else { Ok(None) };
    let fence = fence.map_err(|error| error.to_string()).and_then(|how| {
        how.map(str::to_owned)
            .ok_or_else(|| "this kernel has no Landlock, or it is not switched on".to_owned())
    });
    ledger.note(Protection::Landlock, fence)?;
    // Last, because most of what came before is not on its list.
    ledger.take(Protection::Seccomp, "", filter::install)?;
    ledger
        .standings
        .sort_by_key(|standing| Protection::ALL.iter().position(|each| *each == standing.protection));
    Ok(watched)
}

/// Has the socket that Outboard holds too listen in the jail.
fn listen_at_tools(tools: &OwnedFd) -> nix::Result<()> {
    use std::os::fd::AsRawFd as _;
    bind(tools.as_raw_fd(), &UnixAddr::new(Path::new(TOOLS))?)?;
    listen(tools, Backlog::new(64)?)
}
