//! What is found as `python3` in a jail: asks the interpreter that is kept ready (sitecustomize.py) to fork itself with what this process was
//! given, passes signals on to that fork, and ends as it ends. Where there is no such interpreter, or it refuses, this process
//! becomes the system's own `python3`, as if it had never been here. It is a program of its own, made by build.rs, and depends on nothing but libc.

#![no_main]

use std::{
    ffi::{CStr, CString, OsStr, c_char, c_int, c_void},
    fs,
    io::{Read, Write},
    os::{
        fd::{AsRawFd, RawFd},
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixStream},
        },
    },
    path::Path,
    time::Duration,
};

/// How long the interpreter may take to answer before one is started anew.
const PATIENCE: Duration = Duration::from_secs(1);
/// Descriptors that go with one message, the working directory among them.
const MOST: usize = 250;

#[repr(C)]
struct Piece {
    base: *const c_void,
    length: usize,
}

#[repr(C)]
struct Message {
    name: *const c_void,
    name_length: u32,
    pieces: *const Piece,
    count: usize,
    control: *const c_void,
    control_length: usize,
    flags: c_int,
}

#[repr(C)]
struct Poll {
    fd: c_int,
    events: i16,
    happened: i16,
}

// SAFETY: the system's C library has these, with these arguments.
unsafe extern "C" {
    fn execve(path: *const c_char, arguments: *const *const c_char, variables: *const *const c_char)
    -> c_int;
    fn sendmsg(fd: c_int, message: *const Message, flags: c_int) -> isize;
    fn fcntl(fd: c_int, what: c_int, ...) -> c_int;
    fn close(fd: c_int) -> c_int;
    fn umask(mask: u32) -> u32;
    fn getpgid(process: c_int) -> c_int;
    fn getsid(process: c_int) -> c_int;
    fn setpgid(process: c_int, group: c_int) -> c_int;
    fn getpriority(which: c_int, who: c_int) -> c_int;
    fn pthread_sigmask(how: c_int, set: *const [u64; 16], old: *mut [u64; 16]) -> c_int;
    fn signalfd(fd: c_int, set: *const [u64; 16], flags: c_int) -> c_int;
    fn poll(of: *mut Poll, count: u64, patience: c_int) -> c_int;
    fn read(fd: c_int, into: *mut c_void, length: usize) -> isize;
    fn kill(process: c_int, signal: c_int) -> c_int;
    fn getpid() -> c_int;
    fn _exit(code: c_int) -> !;
}

/// The program: without the standard library's own beginning, which would have it ignore SIGPIPE.
// SAFETY: nothing else in this program has the name by which the C library calls it.
#[unsafe(no_mangle)]
pub extern "C" fn main(
    count: c_int,
    arguments: *const *const c_char,
    variables: *const *const c_char,
) -> c_int {
    let words = texts(arguments, usize::try_from(count).unwrap_or(0));
    let environment = texts(variables, usize::MAX);
    if is_plain(&words) {
        ask(&words, &environment);
    }
    become_it(&words, &environment)
}

/// The strings of a list that ends with a null, or after so many.
fn texts(list: *const *const c_char, most: usize) -> Vec<&'static [u8]> {
    let mut texts = Vec::new();
    while texts.len() < most {
        // SAFETY: the list is the system's, which ends it with a null and each string with a zero; both live as long as the process.
        let text = unsafe { *list.add(texts.len()) };
        if text.is_null() {
            break;
        }
        // SAFETY: as above.
        texts.push(unsafe { CStr::from_ptr(text) }.to_bytes());
    }
    texts
}

/// Whether nothing is asked for that an interpreter knows from its start.
fn is_plain(words: &[&[u8]]) -> bool {
    match words {
        [] => false,
        [_] => true,
        [_, b"-c" | b"-m"] => false,
        [_, b"-" | b"-c" | b"-m", ..] => true,
        [_, script, ..] => !script.is_empty() && !script.starts_with(b"-"),
    }
}

/// Has a fork of the interpreter do what this process is to do, and ends as it ends. Returns if nothing was done.
fn ask(words: &[&[u8]], environment: &[&[u8]]) -> Option<()> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let set = |word: &str| {
        let set = status.lines().find_map(|line| line.strip_prefix(word))?;
        u64::from_str_radix(set.trim(), 16).ok()
    };
    // Those that the C library keeps for itself are ignored in whatever it starts.
    if set("SigBlk:")? != 0 || set("SigIgn:")? & !0x1_8000_0000 != 0 {
        return None;
    }
    let limits = fs::read("/proc/self/limits").ok()?;
    let folder = fs::File::open(".").ok()?;
    let mut inherited = Vec::new();
    for entry in fs::read_dir("/proc/self/fd").ok()?.flatten() {
        let fd: RawFd = entry.file_name().to_str()?.parse().ok()?;
        // SAFETY: the call reads a flag. What is closed at a program's start was not there at this one's.
        if unsafe { fcntl(fd, 1) } == 0 {
            inherited.push(fd);
        }
    }
    inherited.sort_unstable();
    if !inherited.starts_with(&[0, 1, 2]) || inherited.len() >= MOST {
        return None;
    }
    let name = SocketAddr::from_abstract_name("outboard-python").ok()?;
    let mut stream = UnixStream::connect_addr(&name).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    stream.set_write_timeout(Some(PATIENCE)).ok()?;

    let mut body = Vec::new();
    inherited.iter().for_each(|fd| body.extend(fd.to_ne_bytes()));
    body.extend(&limits);
    for word in words.iter().chain(environment) {
        body.extend(*word);
        body.push(0);
    }
    // SAFETY: these calls take and give numbers; the mask is put back as it was.
    let (mask, group, session, nice) = unsafe {
        let mask = umask(0);
        umask(mask);
        (mask.cast_signed(), getpgid(0), getsid(0), getpriority(0, 0))
    };
    let number = |number: usize| i32::try_from(number).ok();
    let head = [
        number(body.len())?,
        number(words.len())?,
        number(inherited.len())?,
        mask,
        group,
        session,
        nice,
        number(limits.len())?,
    ];
    let passed: Vec<RawFd> = inherited.iter().copied().chain([folder.as_raw_fd()]).collect();
    send(&stream, &head, &passed)?;
    stream.write_all(&body).ok()?;
    let mut answer = [0; 9];
    stream.read_exact(&mut answer[..1]).ok()?;
    if answer[0] != b'y' {
        return None;
    }
    stream.read_exact(&mut answer[1..]).ok()?;
    let word = |at: usize| i32::from_ne_bytes([answer[at], answer[at + 1], answer[at + 2], answer[at + 3]]);
    attend(&mut stream, word(5), word(1), &inherited)
}

/// Sends these numbers with these descriptors, whole or not at all.
fn send(stream: &UnixStream, head: &[i32; 8], passed: &[RawFd]) -> Option<()> {
    let length = 16 + 4 * passed.len();
    // Words, so that it is aligned as the system expects it.
    let mut control = vec![0_u64; length.div_ceil(8)];
    control[0] = length as u64;
    let of = [1_i32.to_ne_bytes(), 1_i32.to_ne_bytes()].concat();
    control[1] = u64::from_ne_bytes(of.try_into().ok()?);
    for (at, fds) in passed.chunks(2).enumerate() {
        let pair = [fds[0].to_ne_bytes(), fds.get(1).copied().unwrap_or(0).to_ne_bytes()].concat();
        control[2 + at] = u64::from_ne_bytes(pair.try_into().ok()?);
    }
    let piece = Piece { base: head.as_ptr().cast(), length: size_of_val(head) };
    let message = Message {
        name: std::ptr::null(),
        name_length: 0,
        pieces: &raw const piece,
        count: 1,
        control: control.as_ptr().cast(),
        control_length: length,
        flags: 0,
    };
    // SAFETY: the message and all that it points to, of the lengths that it says, outlive the call.
    let sent = unsafe { sendmsg(stream.as_raw_fd(), &raw const message, 0x4000) };
    (sent == 32).then_some(())
}

/// Lets the fork begin, passes signals on to it, and ends as it ends.
fn attend(stream: &mut UnixStream, process: c_int, apart: c_int, inherited: &[RawFd]) -> Option<()> {
    let all = [u64::MAX; 16];
    let mut before = [0; 16];
    // SAFETY: the sets have the size of the system's and outlive the calls.
    let signals = unsafe {
        pthread_sigmask(2, &raw const all, &raw mut before);
        signalfd(-1, &raw const all, 0x8_0000)
    };
    if signals < 0 || stream.write_all(b"g").is_err() {
        // SAFETY: as above.
        unsafe { pthread_sigmask(2, &raw const before, std::ptr::null_mut()) };
        return None;
    }
    // The fork is in this process's group now. What is sent to the group must not reach it twice.
    // SAFETY: the call takes numbers.
    unsafe { setpgid(0, apart) };
    for fd in inherited {
        // SAFETY: nothing of this process uses them any more; they are the fork's.
        unsafe { close(*fd) };
    }
    loop {
        let mut of = [(stream.as_raw_fd(), 1, 0), (signals, 1, 0)].map(|(fd, events, happened)| Poll {
            fd,
            events,
            happened,
        });
        // SAFETY: the list has two entries and outlives the call.
        unsafe { poll(of.as_mut_ptr(), 2, -1) };
        if of[0].happened != 0 {
            let mut told = [0; 5];
            stream.set_read_timeout(None).ok();
            let status = stream
                .read_exact(&mut told)
                .map(|()| i32::from_ne_bytes([told[1], told[2], told[3], told[4]]));
            // Without a word the interpreter is gone, and what it forked with it.
            end(status.unwrap_or(9));
        }
        if of[1].happened != 0 {
            let mut signal = [0_u32; 32];
            // SAFETY: the buffer has the size of what is read.
            let got = unsafe { read(signals, signal.as_mut_ptr().cast(), 128) };
            if got == 128 {
                // SAFETY: the call takes numbers. Until its end is told the number is the fork's.
                unsafe { kill(process, signal[0].cast_signed()) };
            }
        }
    }
}

/// Ends with this status of a process.
fn end(status: i32) -> ! {
    let signal = status & 0x7f;
    // SAFETY: the calls take numbers and a set of the system's size.
    unsafe {
        if signal != 0 {
            let none = [0; 16];
            kill(getpid(), signal);
            pthread_sigmask(2, &raw const none, std::ptr::null_mut());
            _exit(128 + signal)
        }
        _exit((status >> 8) & 0xff)
    }
}

/// Becomes the system's own interpreter, which is the next one on the path. That finds its own files by the path and by what it is
/// called, so this folder is not on it.
fn become_it(words: &[&[u8]], environment: &[&[u8]]) -> c_int {
    let own = fs::read_link("/proc/self/exe").ok();
    let own = own.as_deref().and_then(Path::parent);
    let called = words.first().copied().unwrap_or(b"python3");
    let name = fs::read_link("/proc/self/exe").ok();
    let name = name.as_deref().and_then(Path::file_name).map_or(&b"python3"[..], OsStr::as_bytes);
    let path = environment.iter().find_map(|each| each.strip_prefix(b"PATH="));
    let folders = path.unwrap_or(b"/usr/local/bin:/usr/bin:/bin").split(|byte| *byte == b':');
    let folders: Vec<&[u8]> =
        folders.filter(|folder| Some(Path::new(OsStr::from_bytes(folder))) != own).collect();
    let variables = environment.iter().map(|each| match each.strip_prefix(b"PATH=") {
        Some(_) => [&b"PATH="[..], &folders.join(&b':')].concat(),
        None => each.to_vec(),
    });
    let variables: Vec<CString> = variables.filter_map(|each| CString::new(each).ok()).collect();
    let fallback = [&b"/usr/local/bin"[..], b"/usr/bin"];
    for folder in folders.iter().copied().chain(fallback) {
        let program = Path::new(OsStr::from_bytes(folder)).join(OsStr::from_bytes(name));
        let program = program.as_os_str().as_bytes();
        // Whoever named this file means the other.
        let called = if called.contains(&b'/') { program } else { called };
        let given = [called].into_iter().chain(words.iter().skip(1).copied());
        let given: Vec<CString> = given.filter_map(|word| CString::new(word).ok()).collect();
        let Ok(program) = CString::new(program) else { continue };
        let list = |texts: &[CString]| -> Vec<*const c_char> {
            texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
        };
        let (given, variables) = (list(&given), list(&variables));
        // SAFETY: the strings and the lists with their nulls outlive the call. It returns only if there is no such program.
        unsafe { execve(program.as_ptr(), given.as_ptr(), variables.as_ptr()) };
    }
    127
}
