python3 facts.py
----
python3 ./facts.py a 'b c' ä -c --x
----
python3 ~/case/facts.py
----
python3 sub/facts.py; python3 sub/../facts.py; python3 ././facts.py
----
python3 lib/link.py; python3 here.py
----
python3 - a b < facts.py
----
sed s/__file__/1/ facts.py | python3
----
sed s/__file__/1/ facts.py | python3 - q
----
python3 -c 'import sys; print(sys.argv, sys.orig_argv, sys.path, __name__, sorted(globals()))' a ''
----
python3 -c ''; echo $?; python3 -c; echo $?; python3 -m; echo $?
----
python3 -c '
import sys
if 1:
  print(2)'
----
python3 -m facts q; python3 -m sub.facts
----
python3 -m package a; python3 package a; python3 app.pyz b; echo $?
----
python3 -m json.tool <<< '{"a": 1}'
----
python3 -m nosuch; echo $?; python3 nosuch.py; echo $?; python3 ''; echo $?; python3 sub; echo $?
----
python3 wrong.py; echo $?; python3 -c 'x = = 1'; echo $?; echo 'x = = 1' | python3; echo $?
----
python3 bare.py; python3 dos.py; python3 latin.py; python3 broken.py; echo $?
----
python3 -V; python3 --version; python3 -I -c 'import sys; print(sys.flags, sys.path)'
----
python3 -u -c 'import sys; print(sys.flags.unbuffered)'; python3 -bb -c 'print(str(b""))'; echo $?
----
python3 -X dev -c 'import sys; print(sys.flags.dev_mode)'; python3 -W error -c 'import warnings; warnings.warn("x")'; echo $?
----
python3 -i < /dev/null; python3 -q -c 'print(1)'; python3 -x facts.py | head -1
----
bash -c 'exec -a python3 python3 -c "import sys; print(sys.orig_argv)"'
----
for how in 'sys.exit()' 'sys.exit(3)' 'sys.exit(300)' 'sys.exit(-1)' 'sys.exit("words")' 'sys.exit([1])' 'raise SystemExit' 'os._exit(9)' '1/0' 'raise KeyboardInterrupt' 'sys.exit(True)'; do
  python3 -c "import sys, os; $how"; echo $?
done
----
for signal in TERM KILL SEGV INT HUP USR1 PIPE ALRM QUIT ABRT; do
  python3 -c "import os, signal; os.kill(os.getpid(), signal.SIG$signal); print('on')"; echo $?
done 2>&1 | sed 's/line [0-9]*: *[0-9]*/line/'
----
python3 chained.py; echo $?
----
python3 -c 'import sys; sys.excepthook = lambda *a: print("hook", a[0], a[2].tb_next); 1/0'; echo $?
----
python3 -c 'import atexit, threading, time
atexit.register(print, "last"); threading.Thread(target=lambda: (time.sleep(.05), print("thread"))).start(); print("main")'
----
python3 -c '
class A:
  def __del__(self): print("deleted")
a = A()
b = [a]; b.append(b)'
----
python3 -c 'import sys; sys.stdout.close(); sys.exit(4)'; echo $?
----
python3 -c 'while True: print("x")' 2>/dev/null | head -1; echo ${PIPESTATUS[0]}
----
python3 -c 'def f(): f()
f()' 2>&1 | tail -1
----
python3 -c 'import os, sys; sys.stdout.write("unflushed"); os._exit(0)'; echo .
----
echo line | python3 -c 'import sys; print(repr(input()), sys.stdin.seekable(), sys.stdin.isatty())'
----
python3 -c 'import sys; print(repr(sys.stdin.read()), sys.stdin.seekable(), sys.stdin.newlines, sys.stdin.mode, sys.stdin.name); sys.stdin.seek(0); print(repr(sys.stdin.readline()), sys.stdin.tell())' < text
----
python3 -c 'import sys
for s in (sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__):
  print(s, s.encoding, s.errors, s.line_buffering, s.write_through, s.newlines, s.mode, s.buffer, s.buffer.raw, s.fileno(), s.seekable(), s.readable(), s.writable(), s.isatty())'
----
python3 -c 'import sys; print(1); print(sys.stdout.tell(), sys.stdout.seekable(), sys.stdout.buffer.raw.mode)' > out; cat out
python3 -c 'print(2)' >> out; cat out
----
python3 -c 'import sys; print(1); print(2, file=sys.stderr); print(3)' 2>&1
----
python3 -c 'import os; print(sorted(os.listdir("/proc/self/fd"))[:-1])' 3< text 7> out
----
python3 -c 'import os; print(os.read(9, 9))' 9< text; cat <(python3 -c 'print(1)'); python3 <(echo 'print(2)') | cat
----
{ python3 -c 'import os; print(os.read(0, 2))'; cat; } < text
----
python3 -c 'print(input())' <&-; echo $?; python3 -c 'print(1)' >&-; echo $?; python3 -c 'import sys; print(sys.stderr)' 2>&-
----
head -c 3000000 /dev/zero | python3 -c 'import sys; print(len(sys.stdin.buffer.read()))'
----
python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)))' | od -c | head -3
----
python3 -c 'import os; print({k: v for k, v in os.environ.items() if k not in ("PATH", "_")}, os.getcwd(), oct(os.umask(0)))'
A='ü b' _B= python3 -c 'import os; print(os.environ["A"], os.environb[b"_B"], os.getenv("A"))'; umask 027; python3 -c 'import os; print(oct(os.umask(0)))'
----
python3 -c 'import os; os.environ["N"] = "1"; os.system("echo $N $HOME")'
----
cd sub; python3 facts.py; cd ..; mkdir gone; cd gone; rmdir ../gone; python3 -c 'print(1)' 2>&1; echo $?
----
python3 -c 'import resource; print([resource.getrlimit(n) for n in range(16)])'; ulimit -n 64; python3 -c 'import resource; print(resource.getrlimit(7))'
----
nice -n 5 python3 -c 'import os; print(os.nice(0))'
python3 -c 'import os; print(os.nice(0), os.getuid(), os.geteuid(), os.getgid(), os.getgroups(), os.getsid(0) == os.getsid(os.getppid()))'
----
python3 -c 'print([l for l in open("/proc/self/status") if l.startswith(("Sig", "Cap", "Seccomp", "NoNew", "Uid", "Gid", "Groups", "Umask", "Threads", "Cpus", "ShdPnd"))])'
----
python3 -c 'import signal; print([(s, signal.getsignal(s)) for s in sorted(signal.valid_signals())])'; trap '' INT USR1; python3 -c 'import signal; print(signal.getsignal(2), signal.getsignal(10))'
----
(python3 -c 'import signal; print(signal.getsignal(2))' & wait)
----
S=$$ python3 -c 'import os
group = lambda p: open(f"/proc/{p}/stat").read().split()[4]
print(group(os.environ["S"]) == group("self"))'; true
----
setsid -w python3 -c 'import os; print(os.getpid() == os.getsid(0) == os.getpgrp())'
----
python3 -c 'import sys; print(sorted(sys.modules), sys.meta_path, sys.path_hooks, sorted(sys.path_importer_cache))'
----
for module in array ast asyncio collections concurrent.futures contextlib csv ctypes dataclasses datetime decimal fractions functools hashlib http.server importlib.util inspect json logging multiprocessing pathlib pprint random select shutil socket sqlite3 statistics struct subprocess tempfile threading typing unittest urllib urllib.parse uuid xml.dom zipfile; do
  python3 -c "import $module, sys; print(sorted(sys.modules), sorted(vars(sys.modules['$module'])))"
done
----
python3 -c 'import json, sys, importlib
a = json; a.MARK = 1; del sys.modules["json"]
import json
print(a is json, hasattr(json, "MARK")); importlib.reload(json); print(json.loads("[1]"))'
----
python3 -c 'import logging; logging.warning("x"); print(logging.getLogger().handlers, logging._handlerList)'
----
python3 -c 'import threading, warnings; print(threading.main_thread().name, threading.active_count(), threading.current_thread() is threading.main_thread(), warnings.filters)'
----
python3 -c 'import warnings; warnings.warn("x", stacklevel=2); warnings.warn("y")'; python3 -c 'import traceback; traceback.print_stack()'
----
for LANG in C C.UTF-8 de_DE.UTF-8; do python3 -c 'import sys, locale; print(sys.stdout.encoding, sys.getfilesystemencoding(), locale.setlocale(0))'; done
PYTHONUTF8=0 LC_ALL=C python3 -c 'import sys; print(sys.stdout.encoding)'
----
PYTHONHASHSEED=0 python3 -c 'print(hash("a"))'; PYTHONUNBUFFERED=1 python3 -c 'import sys; print(sys.flags)'
PYTHONPATH=lib python3 -c 'import sys; print(sys.path)'; HOME=/tmp python3 -c 'import site; print(site.getuserbase())'
TZ=Asia/Tokyo python3 -c 'import time; print(time.tzname)'; PYTHONOPTIMIZE=2 python3 -c 'print(__debug__)'
----
python3 -c 'import random, os
a, b = random.random(), os.fork(); c = random.random(); (os._exit(0) if b == 0 else os.wait()); print(len({a, c}))'
----
cd shadow; python3 uses.py; python3 -c 'import random; print(random.OWN)'; python3 -m uses; cd ..; python3 shadow/uses.py
----
python3 -c 'import sys; sys.path.insert(0, "shadow"); import random; print(random.__file__)'
----
python3 -c 'import subprocess, sys
print(subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True)); subprocess.run(["python3", "-c", "print(2)"])'
----
python3 -c 'import multiprocessing as m, squares
if __name__ == "__main__":
  with m.get_context("fork").Pool(2) as p: print(p.map(squares.work, range(5)))' 2>&1 | tail -1
----
timeout 0.3 python3 -c 'import time; time.sleep(60)'; echo $?
timeout --foreground -s INT 0.5 python3 -c 'import time
try: time.sleep(60)
except KeyboardInterrupt: print("told")'; echo $?
----
python3 -c 'import signal, time, sys
signal.signal(15, lambda *_: (print("asked to end"), sys.exit(5))); print("on", flush=True); time.sleep(60)' > out & while ! grep -q on out; do :; done; kill $!; wait $!; echo $?; cat out
----
python3 -c 'import time; print("on", flush=True); time.sleep(60)' > out & while ! grep -q on out; do :; done; kill -9 $!; wait $! 2>/dev/null; echo $?
----
(python3 -c 'import signal; signal.setitimer(signal.ITIMER_REAL, 0.1); signal.pause()'; echo $?) 2>&1 | sed 's/line [0-9]*: *[0-9]*/line/'
----
python3 -c 'import os, time; os.fork() or (time.sleep(.1), print("child"), os._exit(0)); os.wait(); print("parent")'
----
python3 -c 'import asyncio
async def f(): await asyncio.sleep(0); return 7
print(asyncio.run(f()))'
