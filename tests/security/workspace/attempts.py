"""What somebody in the workspace may try to get out of it, or at what is not theirs.

Each attempt is a function. It gives `ok` if it got what it was after, `nothing` if it was let try and got nothing, or the
name of the error that it met. `python3 attempts.py WORLD NAME...` tries those, each in a process of its own, and prints a
line for each; WORLD is a JSON object of what is outside: a process, a file, a socket. Every attempt is harmless where it
succeeds, or is named in HARMFUL, which the suite does not try outside.
"""

import ctypes
import errno
import json
import mmap
import os
import platform
import resource
import select
import signal
import socket
import struct
import sys
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
OUTSIDE = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}

# Numbers of system calls: x86-64, then the one list that newer architectures share.
CALLS = {
    "pidfd_getfd": (438, 438), "pidfd_open": (434, 434), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41),
    "chroot": (161, 51), "fsopen": (430, 430), "open_tree": (428, 428), "mount_setattr": (442, 442),
    "io_uring_setup": (425, 425), "bpf": (321, 280), "perf_event_open": (298, 241), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "userfaultfd": (323, 282), "memfd_create": (319, 279),
    "execveat": (322, 281), "personality": (135, 92), "vmsplice": (278, 75), "tee": (276, 77), "shmget": (29, 194),
    "semget": (64, 190), "msgget": (68, 186), "mq_open": (240, 180), "inotify_init1": (294, 26),
    "fanotify_init": (300, 262), "syslog": (103, 116), "sethostname": (170, 161), "swapon": (167, 224),
    "seccomp": (317, 277), "init_module": (175, 105), "reboot": (169, 142), "clock_settime": (227, 112),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "clone3": (435, 435), "kcmp": (312, 272),
    "splice": (275, 76), "sync": (162, 81), "sched_setaffinity": (203, 122), "setxattr": (188, 5),
    "quotactl": (179, 60), "ioprio_set": (251, 30), "process_madvise": (440, 440), "memfd_secret": (447, 447),
}

HARMFUL = {"mount", "umount", "pivot_root", "sethostname", "swapon", "init_module", "reboot", "set_clock", "kill_outside",
           "slow_outside", "pin_outside", "change_root", "change_system", "iopl", "write_root", "sync",
           "write_system", "mknod", "setuid_zero", "setgid_zero", "fanotify", "open_by_handle", "kill_first"}

ATTEMPTS = {}


def attempt(function):
    ATTEMPTS[function.__name__] = function
    return function


def call(name, *arguments):
    """The system call, whatever the C library thinks of it; its result, or the error."""
    number = CALLS[name][0 if X86 else 1] if isinstance(name, str) else name
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), *[a if isinstance(a, (bytes, type(None))) or hasattr(a, "_type_") else ctypes.c_long(a) for a in arguments])
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def simple(name, *arguments, as_=None):
    """An attempt that is one system call."""
    def function():
        call(name, *arguments)
        return "ok"
    ATTEMPTS[as_ or name] = function


# Files


@attempt
def read_users():
    with open("/etc/passwd") as file:
        return "ok" if "root:" in file.read() else "nothing"


@attempt
def read_shadow():
    with open("/etc/shadow") as file:
        return "ok" if file.read() else "nothing"


@attempt
def list_root():
    return "ok" if os.listdir("/") else "nothing"


@attempt
def list_dev():
    return "ok" if os.listdir("/dev") else "nothing"


@attempt
def list_home():
    return "ok" if os.listdir("/home") else "nothing"


@attempt
def see_root_home():
    os.stat("/root")
    return "ok"


@attempt
def see_var():
    os.stat("/var/log")
    return "ok"


@attempt
def see_sys():
    os.stat("/sys/kernel")
    return "ok"


@attempt
def host_memory_in_proc():
    with open("/proc/meminfo") as file:
        return "ok" if file.read() else "nothing"


@attempt
def kernel_settings_in_proc():
    return "ok" if os.listdir("/proc/sys/kernel") else "nothing"


@attempt
def outside_process_in_proc():
    os.stat(f"/proc/{OUTSIDE['pid']}/stat")
    return "ok"


@attempt
def stat_outside_path():
    os.stat(OUTSIDE["file"])
    return "ok"


@attempt
def stat_outside_path_in_old_root():
    os.stat("/run/outboard" + OUTSIDE["file"])
    return "ok"


@attempt
def read_what_only_root_may():
    with open("/opt/secret") as file:
        return "ok" if file.read() else "nothing"


@attempt
def read_outside_file():
    with open(OUTSIDE["file"]) as file:
        return "ok" if "outside" in file.read() else "nothing"


@attempt
def write_system():
    with open("/usr/bin/outboard-was-here", "w"):
        return "ok"


@attempt
def write_root():
    with open("/outboard-was-here", "w"):
        return "ok"


@attempt
def change_root():
    os.chmod("/opt", 0o755)
    return "ok"


@attempt
def change_system():
    os.utime("/usr/bin")
    return "ok"


@attempt
def read_first_process():
    with open("/proc/1/environ", "rb") as file:
        return "ok" if file.read() is not None else "nothing"


@attempt
def run_first_processes_program():
    with open("/proc/1/exe", "rb") as file:
        return "ok" if file.read(4) == b"\x7fELF" else "nothing"


@attempt
def descriptors_of_first_process():
    return "ok" if os.listdir("/proc/1/fd") else "nothing"


@attempt
def root_of_first_process():
    return "ok" if os.listdir("/proc/1/root/") else "nothing"


@attempt
def follow_symlink_out():
    with tempfile.TemporaryDirectory() as folder:
        os.symlink(OUTSIDE["file"], f"{folder}/link")
        with open(f"{folder}/link") as file:
            return "ok" if "outside" in file.read() else "nothing"


@attempt
def hardlink_program():
    with tempfile.TemporaryDirectory(dir=os.path.expanduser("~")) as folder:
        os.link("/usr/bin/env", f"{folder}/link")
        return "ok"


@attempt
def mknod():
    with tempfile.TemporaryDirectory() as folder:
        os.mknod(f"{folder}/disk", 0o600 | 0o060000, os.makedev(8, 0))
        return "ok"


@attempt
def setuid_bit():
    with tempfile.NamedTemporaryFile() as file:
        os.chmod(file.name, 0o4755)
        return "ok" if os.stat(file.name).st_mode & 0o4000 else "nothing"


@attempt
def setuid_bit_at_creation():
    """The bit may be set so, but means nothing on this file system."""
    with tempfile.TemporaryDirectory() as folder:
        os.close(os.open(f"{folder}/x", os.O_CREAT | os.O_WRONLY, 0o4755))
        nosuid = os.statvfs(folder).f_flag & os.ST_NOSUID
        return "nothing" if nosuid or not os.stat(f"{folder}/x").st_mode & 0o4000 else "ok"


@attempt
def open_by_handle():
    call("open_by_handle_at", os.open("/", os.O_RDONLY | os.O_PATH), ctypes.create_string_buffer(64), 0)
    return "ok"


@attempt
def name_to_handle():
    buffer = ctypes.create_string_buffer(struct.pack("Ii", 120, 0) + bytes(128))
    mount = ctypes.c_int()
    call("name_to_handle_at", -100, b"/usr", ctypes.addressof(buffer), ctypes.addressof(mount), 0)
    return "ok"


@attempt
def up_from_inherited_folder():
    last = OSError(errno.EBADF, "")
    for fd in INHERITED:
        try:
            if os.listdir(os.open("..", os.O_RDONLY, dir_fd=fd)):
                return "ok"
        except OSError as error:
            last = error
    raise last


@attempt
def inherited_descriptors():
    return "ok" if INHERITED else "nothing"


def is_open(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False


INHERITED = [fd for fd in range(3, 64) if is_open(fd)]


@attempt
def read_outside_shared_memory():
    os.stat(OUTSIDE["shm"])
    return "ok"


for device in ("kvm", "tty", "mem", "kmsg", "ptmx", "fuse", "net/tun"):
    def see_device(device=device):
        os.stat(f"/dev/{device}")
        return "ok"
    ATTEMPTS[f"see_{device.replace('/', '_')}"] = see_device


@attempt
def docker_socket():
    for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock"):
        try:
            os.stat(path)
            return "ok"
        except OSError as error:
            last = error
    raise last


@attempt
def set_attribute():
    with tempfile.NamedTemporaryFile(dir=os.path.expanduser("~")) as file:
        os.setxattr(file.name, "user.x", b"y")
        return "ok"


# Environment


@attempt
def secret_in_environment():
    found = b"OUTBOARD_TEST_SECRET" in b"".join(os.environb.keys())
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as file:
                found = found or b"OUTBOARD_TEST_SECRET=" in file.read()
        except OSError:
            pass
    return "ok" if found else "nothing"


# Network


def family(name, kind=socket.SOCK_STREAM, protocol=0):
    def function():
        socket.socket(getattr(socket, name), kind, protocol).close()
        return "ok"
    ATTEMPTS[f"socket_{name.lower()[3:]}"] = function


family("AF_INET")
family("AF_INET6")
family("AF_NETLINK", socket.SOCK_RAW)
family("AF_VSOCK")
family("AF_ALG", socket.SOCK_SEQPACKET)


@attempt
def socket_packet():
    call(41 if X86 else 198, 17, socket.SOCK_RAW, 0x300)
    return "ok"


@attempt
def socket_family_with_high_bits():
    """A family that is AF_INET in its lower half, where the kernel looks."""
    call(41 if X86 else 198, (1 << 32) | 2, 1, 0)
    return "ok"


@attempt
def gateways_own_port():
    with socket.create_connection(("127.0.0.1", OUTSIDE["port"]), 2):
        return "ok"


@attempt
def metadata_service():
    socket.create_connection(("169.254.169.254", 80), 2).close()
    return "ok"


@attempt
def resolve_a_name():
    return "ok" if socket.getaddrinfo("localhost", 80) else "nothing"


@attempt
def unix_socket_by_path():
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect(OUTSIDE["socket"])
        return "ok"


@attempt
def unix_socket_by_abstract_name():
    with socket.socket(socket.AF_UNIX) as stream:
        stream.connect("\0" + OUTSIDE["abstract"])
        return "ok"


@attempt
def interfaces():
    with open("/proc/self/net/dev") as file:
        names = [line.split(":")[0].strip() for line in file if ":" in line]
    return "ok" if set(names) - {"lo"} else "nothing"


# Processes


@attempt
def kill_first():
    os.kill(1, signal.SIGKILL)
    # What comes after this is said only if it had no effect.
    return "nothing" if os.getpid() != 1 else "ok"


@attempt
def find_outside():
    """Whether there is such a process, which is told even to those who may do nothing to it."""
    try:
        os.kill(OUTSIDE["pid"], 0)
    except PermissionError:
        pass
    return "ok"


@attempt
def kill_outside():
    os.kill(OUTSIDE["victim"], signal.SIGTERM)
    return "ok"


@attempt
def slow_outside():
    os.setpriority(os.PRIO_PROCESS, OUTSIDE["victim"], 19)
    return "ok"


@attempt
def pin_outside():
    call("sched_setaffinity", OUTSIDE["victim"], 8, ctypes.create_string_buffer(struct.pack("L", 1)))
    return "ok"


@attempt
def pin_self():
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    return "ok"


@attempt
def trace():
    call("ptrace", 0, 0, 0, 0)
    return "ok"


@attempt
def read_others_memory():
    # From this process: where others may be read, so may one's own.
    source, target = ctypes.create_string_buffer(b"x"), ctypes.create_string_buffer(1)
    vector = lambda buffer: struct.pack("PN", ctypes.addressof(buffer), 1)
    local, remote = ctypes.create_string_buffer(vector(target)), ctypes.create_string_buffer(vector(source))
    call("process_vm_readv", os.getpid(), ctypes.addressof(local), 1, ctypes.addressof(remote), 1, 0)
    return "ok"


simple("pidfd_open", os.getpid(), 0)
simple("kcmp", os.getpid(), os.getpid(), 0, 0, 0)
simple("ioprio_set", 1, 0, 2 << 13)


@attempt
def pidfd_getfd():
    call("pidfd_getfd", 0, 0, 0)
    return "ok"


@attempt
def raise_limits():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard + 1000, hard + 1000))
    return "ok"


@attempt
def raise_priority():
    os.setpriority(os.PRIO_PROCESS, 0, -5)
    return "ok"


@attempt
def many_descriptors():
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(2_000)]
    return "ok" if len(held) == 2_000 else "nothing"


@attempt
def core_file():
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    return "ok" if hard == resource.RLIM_INFINITY or hard > 1 else "nothing"


@attempt
def capabilities():
    with open("/proc/self/status") as file:
        sets = [line.split()[1] for line in file if line.startswith("Cap")]
    return "ok" if any(int(set_, 16) for set_ in sets) else "nothing"


@attempt
def new_privileges():
    with open("/proc/self/status") as file:
        return "nothing" if "NoNewPrivs:\t1" in file.read() else "ok"


@attempt
def real_owners():
    """Who owns the system's programs, which shows that users here are users of the host."""
    return "ok" if os.stat("/usr/bin/env").st_uid == 0 else "nothing"


@attempt
def hosts_name():
    return "ok" if os.uname().nodename == OUTSIDE["name"] else "nothing"


@attempt
def hosts_queues():
    return "ok" if os.readlink("/proc/self/ns/ipc") == OUTSIDE["ipc"] else "nothing"


@attempt
def path_of_cgroup():
    with open("/proc/self/cgroup") as file:
        return "ok" if any(line.strip().split(":", 2)[2] != "/" for line in file) else "nothing"


# What is there for all


@attempt
def much_memory():
    """Four processes with 100 MB each, at the same time, and for longer than a watch looks away."""
    reader, writer = os.pipe()
    children = []
    for _ in range(4):
        pid = os.fork()
        if pid == 0:
            held = bytearray(b"x") * (100 << 20)
            os.write(writer, held[:1])
            signal.pause()
        children.append(pid)
    os.close(writer)
    got = 0
    while got < 4:
        dead, _ = os.waitpid(-1, os.WNOHANG)
        if dead:
            break
        if select.select([reader], [], [], 0.05)[0]:
            got += len(os.read(reader, 1))
    if got == 4:
        time.sleep(2)
        if os.waitpid(-1, os.WNOHANG)[0]:
            got -= 1
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return "ok" if got == 4 else "nothing"


@attempt
def many_processes():
    children = []
    try:
        for _ in range(100):
            children.append(os.posix_spawn("/bin/sleep", ["sleep", "60"], os.environ))
        return "ok"
    finally:
        for pid in children:
            os.kill(pid, signal.SIGKILL)


@attempt
def fill_disk():
    for number in range(3):
        with open(f"/tmp/fill-{number}", "wb") as file:
            file.write(bytes(15 << 20))
    return "ok"


@attempt
def many_files():
    with tempfile.TemporaryDirectory() as folder:
        for number in range(2_500):
            open(f"{folder}/{number}", "w").close()
    return "ok"


@attempt
def use_processor():
    """More than a third of one processor for half a second; on a busy machine not at once."""
    for _ in range(6):
        began, used = time.monotonic(), time.process_time()
        while time.monotonic() - began < 0.5:
            pass
        if time.process_time() - used > 0.17:
            return "ok"
    return "nothing"


# Parts of the kernel

NEW_USER = 0x10000000
simple("unshare", NEW_USER, as_="user_namespace")
simple("unshare", 0x20000 | NEW_USER, as_="mount_namespace")
simple("mount", b"none", b"/tmp", b"tmpfs", 0, None)
simple("umount2", b"/tmp", 2, as_="umount")
simple("pivot_root", b".", b".")
simple("chroot", b"/")
simple("fsopen", b"tmpfs", 0)
simple("open_tree", -100, b"/usr", 0)
simple("mount_setattr", -100, b"/usr", 0, ctypes.create_string_buffer(32), 32)
simple("bpf", 0, ctypes.create_string_buffer(struct.pack("IIII", 2, 4, 4, 1) + bytes(112)), 128)
simple("keyctl", 0, -3, 0)
simple("add_key", b"user", b"outboard-test", b"x", 1, -2)
simple("request_key", b"user", b"outboard-test", None, -2)
simple("userfaultfd", 1)
simple("memfd_create", b"x", 0)
simple("memfd_secret", 0)
simple("execveat", -100, b"/usr/bin/true", None, None, 0)
simple("personality", 0x0040000)
simple("shmget", 0, 4096, 0o1600)
simple("semget", 0, 1, 0o1600)
simple("msgget", 0, 0o1600)
simple("inotify_init1", 0)
simple("fanotify_init", 0, 0, as_="fanotify")
simple("syslog", 10, None, 0)
simple("sethostname", b"taken", 5)
simple("swapon", b"/nothing", 0)
simple("init_module", None, 0, b"")
simple("reboot", 0, 0, 0, None)
simple("clock_settime", 0, ctypes.create_string_buffer(struct.pack("qq", 0, 0)), as_="set_clock")
simple("sync")
simple("quotactl", 0, None, 0, None)


@attempt
def clone_namespace():
    number = 56 if X86 else 220
    pid = call(number, NEW_USER | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "ok"


@attempt
def clone_namespace_with_high_bits():
    number = 56 if X86 else 220
    pid = call(number, (1 << 40) | NEW_USER | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "ok"


@attempt
def clone3_namespace():
    arguments = ctypes.create_string_buffer(struct.pack("QQQQQQQQ", NEW_USER, 0, 0, 0, signal.SIGCHLD, 0, 0, 0))
    pid = call("clone3", ctypes.addressof(arguments), 64)
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "ok"


@attempt
def setns():
    call("setns", os.open("/proc/self/ns/uts", os.O_RDONLY), 0)
    return "ok"


@attempt
def io_uring():
    call("io_uring_setup", 4, ctypes.create_string_buffer(120))
    return "ok"


@attempt
def perf():
    attributes = ctypes.create_string_buffer(struct.pack("IIQQQQQ", 1, 112, 9, 0, 0, 0, 0b1100001) + bytes(64))
    call("perf_event_open", ctypes.addressof(attributes), 0, -1, -1, 0)
    return "ok"


@attempt
def run_from_memory():
    fd = call("memfd_create", b"x", 1)
    with open("/usr/bin/true", "rb") as program:
        os.write(fd, program.read())
    pid = os.fork()
    if pid == 0:
        os.execv(f"/proc/self/fd/{fd}", ["x"])
    return "ok" if os.waitpid(pid, 0)[1] == 0 else "nothing"


def ioctl(number, argument=None):
    fd = os.open("/dev/null", os.O_RDWR) if not OUTSIDE.get("pty") else os.openpty()[1]
    call(16 if X86 else 29, fd, number, argument or ctypes.create_string_buffer(b"x"))
    return "ok"


TIOCSTI, TIOCLINUX = 0x5412, 0x541C


@attempt
def type_into_terminal():
    return ioctl(TIOCSTI)


@attempt
def type_into_terminal_with_high_bits():
    return ioctl((1 << 32) | TIOCSTI)


@attempt
def paste_into_console():
    return ioctl(TIOCLINUX)


@attempt
def x32_call():
    # getpid of x32: harmless, and let through by filters that look at the lower bits.
    call(0x40000000 | 39)
    return "ok"


@attempt
def call_of_i386():
    """getpid by int 0x80: mov eax, 20; int 0x80; ret."""
    code = b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    function = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    return "ok" if function() == os.getpid() else "nothing"


@attempt
def iopl():
    call(172, 3)
    return "ok"


@attempt
def modify_ldt():
    call(154, 0, ctypes.create_string_buffer(64), 64)
    return "ok"


@attempt
def splice():
    reader, writer = os.pipe()
    file = os.open("/usr/bin/env", os.O_RDONLY)
    call("splice", file, 0, writer, 0, 64, 0)
    return "ok"


@attempt
def vmsplice():
    reader, writer = os.pipe()
    buffer = ctypes.create_string_buffer(b"x")
    vector = ctypes.create_string_buffer(struct.pack("PN", ctypes.addressof(buffer), 1))
    call("vmsplice", writer, ctypes.addressof(vector), 1, 0)
    return "ok"


@attempt
def mq_open():
    attributes = ctypes.create_string_buffer(struct.pack("llll", 0, 1, 8, 0) + bytes(32))
    fd = call("mq_open", b"outboard-test", os.O_CREAT | os.O_RDWR, 0o600, ctypes.addressof(attributes))
    os.close(fd)
    LIBC.syscall(ctypes.c_long(241 if X86 else 181), b"outboard-test")
    return "ok"


@attempt
def setuid_zero():
    os.setuid(0)
    return "ok"


@attempt
def setgid_zero():
    os.setgid(0)
    return "ok"


@attempt
def nested_seccomp():
    # SECCOMP_GET_ACTION_AVAIL for KILL: asks, changes nothing.
    call("seccomp", 2, 0, ctypes.create_string_buffer(struct.pack("I", 0)))
    return "ok"


@attempt
def nested_seccomp_by_prctl():
    if LIBC.prctl(22, 2, None, 0, 0) < 0 and ctypes.get_errno() == errno.EFAULT:
        return "ok"
    raise OSError(ctypes.get_errno(), "")


@attempt
def hide_from_watch():
    if LIBC.prctl(4, 0, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "")
    return "ok"


def outcome(name):
    try:
        return ATTEMPTS[name]()
    except socket.gaierror:
        return "unresolved"
    except TimeoutError:
        return "timeout"
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    except ValueError as error:
        # How Python says that a limit may not be raised.
        return f"refused: {error}"


def tried(name):
    """The outcome, in a process that may die of it."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        signal.alarm(30)
        os.write(writer, outcome(name).encode())
        os._exit(0)
    os.close(writer)
    said = os.read(reader, 200).decode()
    os.close(reader)
    _, status = os.waitpid(pid, 0)
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else said or "nothing"


if __name__ == "__main__":
    for name in sys.argv[2:] or ATTEMPTS:
        print(name, tried(name), flush=True)
