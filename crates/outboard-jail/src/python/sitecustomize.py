"""An interpreter that has started and imported what scripts use, and forks itself for whoever asks (shim.rs).

It stops where every Python looks for a module of this name, before it knows what it is to run. In a fork it is told, writes that where
the interpreter will look for it, and goes on: what comes then is Python's own way from there. What a fork could not do as an
interpreter that was started anew is refused, and whoever asked starts one.
"""


def _serve():
    import os
    import sys

    before = set(sys.modules)
    arguments, own, here = sys.argv, os.path.dirname(__file__), sys.path[0]
    if here != own or len(arguments) != 1:
        return
    sys.path.remove(own)
    sys.path_importer_cache.pop(own, None)
    if any(os.path.exists(os.path.join(folder, f"{name}customize.py")) for folder in sys.path for name in ("site", "user")):
        return
    finders = set(sys.path_importer_cache)
    ready = _import_all(before)
    import ctypes
    import fcntl
    import gc
    import select
    import signal
    import socket
    import struct
    import time

    api = ctypes.pythonapi

    # What is to be run stands in a structure of the interpreter: command, module and file, one behind the other. Which offset that
    # is depends on the version, so it is looked for by what is known to stand there.
    memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
    api._PyInterpreterState_GetConfig.restype = ctypes.c_void_p
    api._PyInterpreterState_GetConfig.argtypes = [ctypes.c_void_p]
    api.PyInterpreterState_Get.restype = ctypes.c_void_p
    api.PyMem_RawMalloc.restype = ctypes.c_void_p
    api.PyMem_RawMalloc.argtypes = [ctypes.c_size_t]
    config = api._PyInterpreterState_GetConfig(api.PyInterpreterState_Get())
    word = struct.calcsize("P")
    wanted = (arguments[0] + "\0").encode("utf-32-le" if sys.byteorder == "little" else "utf-32-be")

    def read(place, length):
        try:
            return os.pread(memory, length, place)
        except (OSError, OverflowError):
            return b""

    def pointer(place):
        return int.from_bytes(read(place, word), sys.byteorder)

    def is_it(place):
        return place != 0 and read(place, len(wanted)) == wanted

    places = [config + offset for offset in range(0, 1024, word)]
    files = [place for place in places if is_it(pointer(place)) and pointer(place - word) == pointer(place - 2 * word) == 0]
    lists = [place for place in places if pointer(place) == 1 and is_it(pointer(pointer(place + word)))]
    if len(files) != 1 or len(lists) != 1:
        return
    file, first = files[0], pointer(lists[0] + word)
    os.close(memory)

    def put(place, text):
        """Has the interpreter find this text there, and free it at its end."""
        if text is None:
            value = 0
        else:
            # As the interpreter itself reads what it is given.
            letters = [ord(letter) for letter in os.fsdecode(text)] + [0]
            encoded = struct.pack(f"={len(letters)}I", *letters)
            value = api.PyMem_RawMalloc(len(encoded))
            ctypes.memmove(value, encoded, len(encoded))
        ctypes.memmove(place, value.to_bytes(word, sys.byteorder), word)

    site = sys.modules["site"]

    # What a script's own folder must not hold: it would be imported in place of these.
    taken = {name.partition(".")[0] for name in ready} - set(sys.builtin_module_names)
    with open("/proc/self/limits", "rb") as limits_file:
        limits = limits_file.read()
    environment = {name: value for name, value in os.environb.items() if _matters(name)}
    environment[b"PYTHONPATH"] = os.environb[b"PYTHONPATH"].partition(b":")[2]
    session, nice, pid = os.getsid(0), os.getpriority(os.PRIO_PROCESS, 0), os.getpid()
    standard = {0: sys.stdin, 1: sys.stdout, 2: sys.stderr}
    compile("pass", "<string>", "exec")

    def refused(asked, variables, folder, text, same):
        """Whether this has to be an interpreter that is started anew."""
        if not same or text != limits or any(os.isatty(fd) for fd in (0, 1, 2)):
            return True
        if {name: value for name, value in variables.items() if _matters(name)} != environment:
            return True
        if os.path.isdir(site.getusersitepackages()):
            return True
        if folder is None:
            return True
        try:
            names = os.listdir(os.fsdecode(folder))
        except OSError:
            return True
        return any(name.partition(".")[0] in taken for name in names)

    def fork(connection):
        """In a fork: is told what to run, and becomes it. The end of the process if it is not to."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        wake[0].close()
        wake[1].close()
        listener.close()
        for other, _ in running.values():
            other.close()
        libc = ctypes.CDLL(None)
        libc.prctl(1, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != pid:
            os._exit(1)
        head, passed, _, _ = socket.recv_fds(connection, 32, 254)
        total, count, numbers, mask, group, its_session, its_nice, limit = struct.unpack("=8i", head)
        body = bytearray()
        while len(body) < total:
            piece = connection.recv(min(total - len(body), 1 << 20))
            if not piece:
                os._exit(1)
            body += piece
        targets = struct.unpack_from(f"={numbers}i", body)
        text = bytes(body[4 * numbers : 4 * numbers + limit])
        words = bytes(body[4 * numbers + limit :]).split(b"\0")[:-1]
        asked, variables = words[1:count], {}
        for each in words[count:]:
            name, is_one, value = each.partition(b"=")
            if is_one:
                variables.setdefault(name, value)
        os.fchdir(passed[-1])
        command = module = script = None
        if asked and asked[0] == b"-c":
            command, shown, folder = asked[1] + b"\n", [b"-c", *asked[2:]], "."
        elif asked and asked[0] == b"-m":
            module, shown, folder = asked[1], [b"-m", *asked[2:]], "."
        elif asked and asked[0] != b"-":
            script, shown = asked[0], asked
            folder = os.path.dirname(os.path.realpath(script)) if os.path.isfile(script) else None
        else:
            shown, folder = asked or [b""], "."
        # Everything is put where it is in the process that asked. Meanwhile it is out of the way of all.
        high = max(targets, default=2) + 1
        moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, max(high, 10)) for fd in passed[:-1]]
        talk = fcntl.fcntl(connection.fileno(), fcntl.F_DUPFD_CLOEXEC, max(high, 10))
        for fd in {*passed, connection.detach()} - set(moved) - {talk}:
            os.close(fd)
        for fd, target in zip(moved, targets):
            os.dup2(fd, target, inheritable=True)
            os.close(fd)
        same = its_session == session and its_nice == nice
        try:
            os.setpgid(0, group)
        except OSError:
            same = False
        if refused(asked, variables, folder, text, same):
            os.write(talk, b"n")
            os._exit(0)
        os.write(talk, b"y" + struct.pack("=2i", os.getpgid(pid), os.getpid()))
        if os.read(talk, 1) != b"g":
            os._exit(1)
        os.close(talk)
        os.umask(mask)
        os.environb.clear()
        os.environb.update(variables)
        for fd, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
            old = standard[fd]
            raw = open(fd, "rb" if fd == 0 else "wb", closefd=False)
            raw.raw.name = f"<{name}>"
            new = type(old)(raw, old.encoding, old.errors, "\n", line_buffering=old.line_buffering)
            new.mode = "r" if fd == 0 else "w"
            setattr(sys, name, new)
            setattr(sys, f"__{name}__", new)
        if script is not None and not script.startswith(b"/") and sys.version_info >= (3, 9):
            script = os.path.join(os.getcwdb(), script)
        put(file, script)
        put(file - word, module)
        put(file - 2 * word, command)
        put(first, shown[0])
        sys.argv[:] = [os.fsdecode(each) for each in shown]
        sys.orig_argv[:] = [os.fsdecode(each) for each in words[:count]]
        if "logging" in ready:
            ready["logging"]._startTime = time.time()
        for name in set(sys.modules) - before - {"sitecustomize"}:
            del sys.modules[name]
        # One that was there before is out of the collector's sight, and with it what it holds at the end.
        main, old = type(sys)("__main__"), sys.modules["__main__"]
        vars(main).update(vars(old))
        if "__annotations__" in vars(main):
            main.__annotations__ = {}
        sys.modules["__main__"] = main
        for folder in set(sys.path_importer_cache) - finders:
            del sys.path_importer_cache[folder]

    # Its name is no file's, and nobody outside of this network namespace sees it.
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("\0outboard-python")
    wake = socket.socketpair()
    for end in wake:
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake[1].fileno(), warn_on_full_buffer=False)
    running = {}
    poll = select.poll()
    poll.register(listener, select.POLLIN)
    poll.register(wake[0], select.POLLIN)
    gc.collect()
    # What is there now is neither looked through nor taken apart by forks, which would copy all of it.
    api.Py_IncRef(ctypes.py_object(ready))
    gc.freeze()
    listener.listen(64)
    while True:
        for fd, _ in poll.poll():
            if fd == listener.fileno():
                connection, _ = listener.accept()
                child = os.fork()
                if child == 0:
                    fork(connection)
                    raise ModuleNotFoundError("No module named 'sitecustomize'", name="sitecustomize")
                running[child] = (connection, connection.fileno())
                # Nothing of it is read here but its end: the fork reads the rest.
                poll.register(connection, select.POLLRDHUP)
            elif fd == wake[0].fileno():
                try:
                    while wake[0].recv(64):
                        pass
                except BlockingIOError:
                    pass
                while True:
                    try:
                        child, status = os.waitpid(-1, os.WNOHANG)
                    except ChildProcessError:
                        break
                    if child == 0:
                        break
                    connection, number = running.pop(child)
                    try:
                        poll.unregister(number)
                        connection.sendall(b"x" + struct.pack("=i", status))
                    except (OSError, KeyError):
                        pass
                    connection.close()
            else:
                for child, (_, number) in running.items():
                    if number == fd:
                        # Whoever asked is gone, and so is what was started for it.
                        poll.unregister(fd)
                        os.kill(child, signal.SIGKILL)
                        break


def _import_all(before):
    """Imports what scripts use, and has later imports of it find it so. Gives all modules that came of it, by name.

    Nobody sees them who has not imported them: a fork takes them out of `sys.modules`, and an import looks for its file as
    ever. If it is the file of one of these, the module is that one, with all that it has imported itself. It is so once: whoever takes
    it out of `sys.modules`, or reloads it, gets it as new.
    """
    import builtins
    import os
    import sys

    uses, running = {}, []
    real = builtins.__import__
    files = sys.modules["_frozen_importlib_external"]
    builtin = sys.modules["_frozen_importlib"].BuiltinImporter
    loaders = [(loader, loader.create_module, loader.exec_module) for loader in (files.SourceFileLoader, files.ExtensionFileLoader, builtin)]

    def hooked(loader, create, execute):
        wrapped = staticmethod if loader is builtin else lambda function: function
        loader.create_module, loader.exec_module = wrapped(create), wrapped(execute)

    def watched(execute):
        def exec_module(*given):
            running.append(given[-1].__name__)
            try:
                return execute(*given)
            finally:
                running.pop()

        return exec_module

    def recorded(name, globals=None, locals=None, fromlist=(), level=0):
        module = real(name, globals, locals, fromlist, level)
        importer = (globals or {}).get("__name__", "")
        if running and "importlib" in importer:
            # One that is written in C imports something.
            importer = running[-1]
        if level:
            package = (globals.get("__package__") or importer).rsplit(".", level - 1)[0]
            name = f"{package}.{name}" if name else package
        used = uses.setdefault(importer, {})
        for each in (name, *(f"{name}.{part}" for part in fromlist or ())):
            if each in sys.modules:
                used[each] = None
        return module

    builtins.__import__ = recorded
    for loader, create, execute in loaders:
        hooked(loader, create, watched(execute))
    try:
        for name in _MODULES.split():
            try:
                recorded(name)
            except ImportError:
                pass
        for folder in os.environ.get("PYTHONPATH", "").split(":")[1:]:
            for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
                if name.isidentifier() and os.path.exists(os.path.join(folder, name, "_outboard.py")):
                    recorded(name + "._outboard")
    finally:
        builtins.__import__ = real
    ready = {name: module for name, module in sys.modules.items() if name not in before and name != "sitecustomize"}
    fresh = set()

    def all_used(name):
        """What comes with a module, in the order in which it came."""
        found, waiting = {name}, [name]
        while waiting:
            one = waiting.pop()
            parents = [one.rpartition(".")[0]] if "." in one else []
            for each in [*parents, *uses.get(one, ())]:
                if each not in found:
                    found.add(each)
                    waiting.append(each)
        return [each for each in order if each in found]

    def prepared(create, execute):
        def create_module(*given):
            spec = given[-1]
            module = ready.get(spec.name)
            if module is None or getattr(module.__spec__, "origin", None) != spec.origin:
                return create(*given)
            del ready[spec.name]
            fresh.add(spec.name)
            return module

        def exec_module(*given):
            module = given[-1]
            name = module.__name__
            if name not in fresh:
                return execute(*given)
            fresh.discard(name)
            used = all_used(name)
            for each in order:
                above, _, last = each.rpartition(".")
                if above == name and each not in used and each not in sys.modules:
                    # Somebody else has imported it.
                    vars(module).pop(last, None)
            for each in used:
                if each not in sys.modules and each in ready:
                    sys.modules[each] = ready.pop(each)
                    above, _, last = each.rpartition(".")
                    if above in sys.modules:
                        setattr(sys.modules[above], last, sys.modules[each])
            return None

        return create_module, exec_module

    order = list(ready)
    for name, module in ready.items():
        if getattr(getattr(module, "__spec__", None), "name", None) != name:
            # Its package has put it there itself.
            uses.setdefault(name.rpartition(".")[0], {})[name] = None
    for loader, create, execute in loaders:
        hooked(loader, *prepared(create, execute))
    return ready


def _matters(name):
    """Whether an interpreter looks at this variable, or a library does, before a script runs."""
    starts = (b"PYTHON", b"LC_", b"LD_", b"MALLOC_", b"GLIBC_", b"OPENSSL_", b"__PY")
    return name.startswith(starts) or name in (b"LANG", b"LANGUAGE", b"TZ", b"TZDIR", b"HOME", b"GCONV_PATH", b"LOCPATH", b"NLSPATH")


_MODULES = """
abc argparse array ast asyncio base64 bisect collections contextlib copy csv ctypes dataclasses datetime decimal enum fcntl fractions functools gc
glob hashlib heapq inspect io itertools json math operator os pathlib pprint random re select shutil signal socket statistics string struct
subprocess sys tempfile textwrap threading time traceback types typing unicodedata uuid weakref zlib
"""

_serve()
raise ModuleNotFoundError("No module named 'sitecustomize'", name="sitecustomize")
