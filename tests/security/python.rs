//! Hostile Python: whatever a script does to its interpreter, the most that comes of it is a tool named.

use serde_json::json;

use crate::harness::{Session, fixture};

/// Runs a Python script; gives whether it failed, and its text.
fn run(session: &mut Session, code: &str) -> (bool, String) {
    let (failed, text) = session.client.call("execute", json!({"code": code, "language": "python"}));
    assert!(text.len() < 60_000, "{code}: {} bytes", text.len());
    (failed, text)
}

fn value(session: &mut Session, code: &str) -> String {
    let (failed, text) = run(session, code);
    assert!(!failed, "{code}\n{text}");
    text
}

fn failing(session: &mut Session, code: &str) -> String {
    let (failed, text) = run(session, code);
    assert!(failed, "{code}\n{text}");
    text
}

/// How a script gets at the guest's own modules, however they are hidden.
const REACH: &str = "
import struct, sys
console = type(sys.stdout).write.__globals__
tools = type(fix.add).__call__.__globals__
desk = tools['desk']
def text(data): return struct.pack('<I', len(data)) + data
def request(id, kind, namespace, tool, body, line=1):
    desk.out.append(struct.pack('<BIBII', 1, id, kind, line, 1) + text(namespace) + text(tool) + text(body))
";

#[test]
fn nothing_of_the_host_is_there() {
    let mut session = Session::with(&[]);
    for code in [
        "open('/etc/passwd').read()",
        "import _io\n_io.open('/etc/passwd').read()",
        "import _io\n_io.FileIO('/proc/self/environ').read()",
        "import posix\nposix.open('/etc/passwd', 0)",
        "import posix\nposix.listdir('/')",
        "import posix\n[posix.open('/', fd) for fd in range(100)]",
        "import pathlib\npathlib.Path('/etc/passwd').read_text()",
        "import importlib.machinery\nimportlib.machinery.SourceFileLoader('x', '/etc/passwd').get_data('/etc/passwd')",
        "import sqlite3\nsqlite3.connect(':memory:').execute(\"attach '/etc/passwd' as p\")",
        "import _sqlite3\n_sqlite3.connect('/etc/passwd').execute('select * from sqlite_schema').fetchall()",
        "import subprocess\nsubprocess.run(['cat', '/etc/passwd'])",
        "import os\nos.system('cat /etc/passwd')",
        "import _posixsubprocess",
        "import ctypes",
        "import _ctypes",
        "import socket\nsocket.create_connection(('127.0.0.1', 1))",
        "import _socket\n_socket.socket().connect(('127.0.0.1', 1))",
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:1/')",
        "import asyncio\nawait asyncio.open_connection('127.0.0.1', 1)",
        "import _thread\n_thread.start_new_thread(print, ())",
        "import sys, importlib.machinery as m\nsys.path += ['/', '/usr/lib/python3', '/python']\nsys.meta_path.insert(0, m.PathFinder)\nsys.path_hooks.append(m.FileFinder.path_hook((m.SourceFileLoader, ['.py'])))\nimport this_is_no_module",
        "import pickle\npickle.loads(b\"cos\\nsystem\\n(S'cat /etc/passwd'\\ntR.\")",
        "import marshal\nmarshal.loads(b'\\xe3' + bytes(200))",
    ] {
        let text = failing(&mut session, code);
        assert!(!text.contains("root:") && !text.contains("PATH="), "{code}: {text}");
    }
    let home = session.home.project();
    let never = [
        home.to_str().unwrap(),
        env!("CARGO_MANIFEST_DIR"),
        "OUTBOARD_",
        "/home/",
        "/root",
        "/work",
        "/opt/",
    ];
    // Backwards, because the script would find its own text.
    let never = json!(never.map(|text| text.chars().rev().collect::<String>()));
    let code = format!(
        "import os, sys, platform, getpass, socket, sysconfig
def of(f):
    try: return f()
    except Exception as e: return str(e)
seen = [of(f) for f in (
    lambda: dict(os.environ), lambda: os.getcwd(), lambda: os.getlogin(), lambda: getpass.getuser(), lambda: os.path.expanduser('~'),
    lambda: socket.gethostname(), lambda: platform.node(), lambda: platform.uname(), lambda: sys.version, lambda: sysconfig.get_config_vars())]
for module in list(sys.modules.values()):
    seen += [value for name, value in vars(module).items() if name != '__doc__' and isinstance(value, (str, dict, list, tuple))]
seen = str(seen)
[name[::-1] for name in {never} if name[::-1] in seen]"
    );
    assert_eq!(value(&mut session, &code), "[]");
}

#[test]
fn a_script_reaches_tools_only_by_name() {
    let mut session = Session::with(&[]);
    for code in [
        "await fix['__proto__']()",
        "await getattr(fix, '../fix/add')(a=1, b=1)",
        "await fix['add\\0'](a=1, b=1)",
        "await fix['аdd'](a=1, b=1)",
        "await fix['tools/list']()",
        "await fix['\\ud800']()",
        "await type(fix.add)('fix\\0', 'add')(a=1, b=1)",
        "await type(fix.add)('bank', 'pay')()",
        "await type(fix.add)('', 'add')()",
    ] {
        let text = failing(&mut session, code);
        assert!(text.contains("(unknown tool)") || text.starts_with("not run"), "{code}: {text}");
    }
    let received = value(&mut session, "str(await fix.received())");
    for never in ["__proto__", "../fix", "аdd", "pay", "tools/list\", 'params"] {
        assert!(!received.contains(never), "{never} was sent: {received}");
    }
}

#[test]
fn a_hidden_tool_cannot_be_reached_by_any_name_or_forged_request() {
    let mut entry = fixture(&[]);
    entry["tools"] = json!({"deny": ["count", "protocol*"]});
    let mut session = Session::of(&[("fix", entry)], json!({}));
    for code in [
        "await fix.count(note='x')",
        "await fix['co' + 'unt'](note='x')",
        "await getattr(fix, 'Count')(note='x')",
        "await fix['count\\u200b'](note='x')",
        "await fix['fix.count'](note='x')",
        "await type(fix.add)('fix', 'count')(note='x')",
        "fix._tools_.append('count')\nawait fix.count(note='x')",
        "import sys\nawait sys.modules['fix'].count(note='x')",
        "await tools.describe('fix.count')",
        "await (await fix.add(a=1, b=1)).__class__.count()",
    ] {
        let text = failing(&mut session, code);
        assert!(!text.contains("did you mean `fix.count"), "{code}: {text}");
    }
    let forge = format!(
        "{REACH}
desk.last = 2
request(1, 0, b'fix', b'count', b'{{\"note\":\"x\"}}')
request(2, 0, b'fix', b'protocol_error', b'{{}}')
(await fix.add(a=1, b=1))['sum']"
    );
    run(&mut session, &forge);
    let seen =
        value(&mut session, "str([await tools.search('count effects protocol error', limit=100), dir(fix)])");
    assert!(!seen.contains("fix.count") && !seen.contains("protocol_error"), "{seen}");
    let received = value(&mut session, "str(await fix.received())");
    assert!(!received.contains("'count") && !received.contains("protocol_error"), "{received}");
}

#[test]
fn forged_records_name_tools_or_end_the_run() {
    let mut session = Session::with(&[]);
    // What names a tool is a call like any other: it is checked, counted and told.
    let text = value(
        &mut session,
        &format!(
            "{REACH}
desk.last = 1
request(1, 0, b'fix', b'count', b'{{\"note\":\"forged\"}}')
import asyncio
await asyncio.sleep(0.01)
await fix.add(a=1, b=1)
str(await fix.effects())"
        ),
    );
    assert_eq!(text.matches("forged").count(), 1, "{text}");
    for forgery in [
        "request(900, 9, b'fix', b'add', b'{}')",
        "request(900, 0, b'fix', b'add', b'{')",
        "request(900, 0, b'../fix', b'add', b'{}', 2 ** 32 - 1)",
        "request(1, 0, b'fix', b'add', b'{}'); request(1, 0, b'fix', b'add', b'{}')",
        "[request(n, 0, b'fix', b'add', b'{}') for n in range(3000)]",
        "request(900, 3, b'', b'', b'[\"r1\"]')",
        "desk.out.append(b'\\xff' * 100)",
        "desk.out.append(b'\\x0f\\x01\\x02\\0\\0\\x0042')",
        "desk.out.append(b'\\x0f\\x01\\xff\\xff\\xff\\xff42')",
        "desk.out.append(b'\\x0b\\x01')",
        "desk.out.append(b'\\x02\\0\\x02\\0\\0\\x0042')",
        "desk.out.append(b'\\x03' + b'\\xff' * 8); desk.out.append(b'\\x03' + b'\\xff' * 8)",
        "desk.out.append(struct.pack('<BBd', 10, 1, float('nan')))",
        "desk.out.append(struct.pack('<BBd', 10, 1, -1e308)); desk.out.append(struct.pack('<BBd', 10, 1, 1e308))",
        "desk.last = -5; await fix.add(a=1, b=1)",
        "desk.last = 2 ** 32; await fix.add(a=1, b=1)",
        "desk.pending.clear(); desk.pending = None; await fix.add(a=1, b=1)",
        "desk.left = 10 ** 9; await fix.add(a=1, b=1)",
    ] {
        let (_, text) = run(&mut session, &format!("{REACH}\n{forgery}\n'on'"));
        assert!(!text.contains("panic"), "{forgery}: {text}");
        assert_eq!(value(&mut session, "1 + 1"), "2", "after {forgery}");
    }
}

#[test]
fn the_console_and_the_value_are_bounded_whatever_the_guest_believes() {
    let mut session = Session::of(
        &[("fix", fixture(&[]))],
        json!({"limits": {"consoleBytes": 1000, "valueBytes": 10_000, "calls": 5, "cpuSeconds": 5}}),
    );
    let text = value(
        &mut session,
        &format!(
            "{REACH}
console['budget'].left = 10 ** 12
for _ in range(100): print('x' * 100)
say = console['say'].__globals__['_say']
say(3, b'y' * 5_000_000)
say(77, b'no level')
say(0, b'\\xff\\xfe')
1"
        ),
    );
    assert!(text.len() < 3_000 && text.contains("the console keeps 1 kB"), "{text}");
    let text = failing(
        &mut session,
        &format!(
            "{REACH}
import sys
frame = sys._getframe()
while 'run' not in frame.f_globals: frame = frame.f_back
frame.f_globals['run'].value_limit = 10 ** 12
'z' * 1_000_000"
        ),
    );
    assert!(text.contains("larger than its limit of 10 kB"), "{text}");
    let text = failing(
        &mut session,
        &format!(
            "{REACH}
desk.left = 10 ** 9
for n in range(10): await fix.add(a=n, b=1)"
        ),
    );
    assert!(text.contains("5 calls"), "{text}");
}

#[test]
fn the_doors_to_the_host_bear_any_handle() {
    let mut session = Session::with(&[]);
    let runtime = format!(
        "{REACH}
runtime = console['say'].__globals__['_say'].__globals__['componentize_py_runtime']"
    );
    let doors =
        value(&mut session, &format!("{runtime}\nstr([name for name in dir(runtime) if name[0] != '_'])"));
    assert_eq!(doors, "['call_import', 'drop_resource']");
    for door in ["call_import", "drop_resource"] {
        for arguments in
            ["", "0", "1, [1]", "99, [], 5", "0, ['x'], 1", "0, [0, b'said'], 0", "2 ** 31 - 1, 2 ** 31 - 1"]
        {
            let code = format!("{runtime}\nruntime.{door}({arguments})");
            let (_, text) = run(&mut session, &code);
            assert!(!text.contains("panic"), "{code}: {text}");
        }
    }
    assert_eq!(value(&mut session, "1 + 1"), "2");
}

#[test]
fn what_a_script_does_to_its_own_world_stays_there() {
    let mut session = Session::with(&[]);
    for spoil in [
        "import json\njson.dumps = json.loads = json.JSONEncoder = lambda *a, **k: 'spoilt'\njson.encoder.c_make_encoder = None\n(await fix.add(a=1, b=1))['sum']",
        "import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.len = lambda x: 7\nbuiltins.left_behind = 1\nawait fix.add(a=1, b=1)",
        "import asyncio\nasyncio.Future = asyncio.sleep = None\nasyncio.get_running_loop().stop = None\nawait fix.add(a=1, b=1)",
        "import sys\nsys.modules.clear()\nsys.stdout = sys.stderr = None\nsys.meta_path.clear()\n1",
        "import sys\nsys.settrace(lambda *a: 1 / 0)\n1",
        "import sys\nsys.setprofile(lambda *a: print(a[1]))\n1",
        "import sys\nsys.addaudithook(lambda *a: 1 / 0)\n1",
        "import gc\ngc.callbacks.append(lambda *a: 1 / 0)\n[[] for _ in range(50_000)]\n1",
        "import sys\nsys.excepthook = sys.unraisablehook = sys.displayhook = lambda *a: 1 / 0\nraise KeyError(1)",
        "import gc, types\nfor o in gc.get_objects():\n    if isinstance(o, dict): o.clear()",
        "import sys\nf = sys._getframe()\nwhile f:\n    f.f_globals.clear(); f = f.f_back",
        "import os\nos.environ['LEFT'] = 'behind'\n1",
        "import decimal, random, locale\ndecimal.getcontext().prec = 2\nrandom.seed(1)\n1",
        "import types\ntypes.FunctionType((lambda: 0).__code__.replace(co_code=b'\\xff' * 100), {})()",
        "import posix\nposix._exit(0)",
        "import posix\nposix.abort()",
        "import signal\nsignal.raise_signal(9)",
        "import faulthandler\nfaulthandler._sigsegv()",
        "type(fix).__getattr__ = lambda self, name: print\ntype(fix.add).__call__ = lambda *a, **k: 1\n1",
    ] {
        let (_, text) = run(&mut session, spoil);
        assert!(!text.contains("panic"), "{spoil}: {text}");
        let clean = value(&mut session, "
import json, os, builtins, decimal, sys, gc
[json.dumps({'a': [1]}), json.loads('[1]'), len('ab'), hasattr(builtins, 'left_behind'), dict(os.environ), decimal.getcontext().prec,
 len(gc.callbacks), sys.gettrace(), (await fix.add(a=1, b=1))['sum']]");
        assert_eq!(clean, r#"["{\"a\": [1]}",[1],2,false,{},28,0,null,2.0]"#, "after {spoil}");
    }
}

#[test]
fn hostile_errors_and_values_are_told_and_break_nothing() {
    let mut session = Session::with(&[]);
    for code in [
        "raise SyntaxError(5)",
        "e = SyntaxError('x'); e.filename = 'script.py'; e.lineno = 'x'; e.offset = 'y'\nraise e",
        "class M(type):\n    __name__ = property(lambda cls: 5)\nclass E(Exception, metaclass=M): pass\nraise E('x')",
        "e = ValueError('x'); e.__notes__ = 5\nraise e",
        "class E(Exception):\n    __notes__ = property(lambda self: 1 / 0)\nraise E",
        "class E(Exception):\n    def __str__(self): raise SystemExit(3)\nraise E",
        "class T(str):\n    encode = __getitem__ = __format__ = __add__ = lambda *a: 5\nclass E(Exception):\n    def __str__(self): return T('x')\nraise E",
        "class T:\n    __str__ = lambda self: 1 / 0\ne = ToolError('x'); e.tool = T()\nraise e",
        "class E(Exception):\n    __class__ = property(lambda self: ToolError)\nraise E",
        "class E(BaseExceptionGroup):\n    exceptions = property(lambda self: (self,))\nraise E('x', [ValueError(1)])",
        "e = ValueError(1)\nfor _ in range(5000): e = ExceptionGroup('x', [e, KeyError()])\nraise e",
        "next(iter([]))",
        "class V:\n    __class__ = property(lambda self: dict)\n    def __repr__(self): raise KeyboardInterrupt\nV()",
        "a = []; a.append(a); a",
        "class V:\n    def __repr__(self): return V\nV()",
        "class V(dict):\n    def items(self): raise GeneratorExit\nV(a=1)",
        "class V(str):\n    encode = lambda *a: b'{'\nV('x')",
        "class V(int):\n    __repr__ = lambda self: '{'\nV(5)",
        "class V(float):\n    __repr__ = lambda self: '{'\nV(5)",
        "'\\ud800'",
        "{'\\ud800': '\\udfff'}",
        "import asyncio\nraise asyncio.CancelledError",
        "raise GeneratorExit",
    ] {
        let (_, text) = run(&mut session, code);
        assert!(!text.contains("sandbox broke") && text.len() < 25_000, "{code}: {text}");
    }
    let text = failing(&mut session, "raise ToolError('all is well', tool='bank.pay', code='tool_error')");
    assert!(!text.contains("already done"), "{text}");
    let text = failing(&mut session, "x = [1]\nnext(n for n in x if n > 5)");
    assert!(text.contains("failed at 2:1") && text.contains("StopIteration"), "{text}");
    assert_eq!(value(&mut session, "fix"), "<namespace fix>");
    assert!(value(&mut session, "[fix.add, fix]").contains("<tool fix.add>"));
    let effects = value(&mut session, "str(await fix.effects())");
    assert!(!effects.contains("note"), "{effects}");
}

#[test]
fn no_path_of_anywhere_is_told() {
    let mut session = Session::with(&[]);
    for code in [
        "import json\njson.loads('{')",
        "import traceback, json\ntry: json.loads('{')\nexcept ValueError: result = traceback.format_exc()",
        "import logging, json\ntry: json.loads('{')\nexcept ValueError: logging.exception('no')",
        "import warnings, asyncio\nwarnings.warn('old')\nasyncio.get_event_loop_policy()",
        "exec('1 +')",
        "import asyncio\nasync def f(): 1 / 0\nasyncio.create_task(f())\nawait asyncio.sleep(0)",
        "import inspect\nstr([frame.filename for frame in inspect.stack() if 'outboard' in frame.filename])",
        "import sys\nf = sys._getframe().f_back\nrepr(f)",
        "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(1, 2)\nstr(unittest.defaultTestLoader.loadTestsFromTestCase(T).run(unittest.TestResult()).failures)",
        "import json\nstr([json, json.__spec__, json.__loader__, getattr(json, '__file__', ''), getattr(json, '__path__', '')])",
        "import no_such_module",
    ] {
        let (_, text) = run(&mut session, code);
        for never in
            ["/0/", "/work", "/home", "/tmp", "/root", "site-packages", "outboard_guest/", ".rs:", "/usr"]
        {
            assert!(!text.contains(never), "{code}: {text}");
        }
        assert!(!text.contains("File \"/"), "{code}: {text}");
    }
}

#[test]
fn terminal_escapes_in_pythons_output_are_not_passed_on_raw() {
    let mut session = Session::with(&[]);
    let text = value(
        &mut session,
        "import sys\nprint('\\x1b[2Jgone')\nsys.stderr.write('\\x1b]0;t\\x07')\n'\\x1b]0;title\\x07x'",
    );
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
}

#[test]
fn a_script_that_crashes_its_interpreter_is_told_so_with_what_it_did_and_the_next_one_runs() {
    let mut session = Session::with(&[]);
    for crash in [
        "import types\ntypes.FunctionType((lambda: 0).__code__.replace(co_code=b'\\xff' * 100), {})()",
        "import faulthandler\nfaulthandler._sigsegv()",
    ] {
        let text = failing(&mut session, &format!("await fix.count(note='a')\n{crash}"));
        for says in
            ["the sandbox broke", "Other runs are not affected", "already done before this: fix.count × 1"]
        {
            assert!(text.contains(says), "{crash}: {text}");
        }
        assert_eq!(value(&mut session, "1 + 1"), "2", "after {crash}");
    }
}
