//! What the checks have to know of a language: which names are there by themselves, and its words for advice.
//! The lists may hold more than the sandbox has: a name that is in one is never taken for a misspelt namespace.

use super::absent::absent;
use crate::Language;
use std::collections::HashSet;
use std::sync::LazyLock;

/// What is particular to a language.
pub(crate) struct Dialect {
    pub(crate) language: Language,
    globals: &'static LazyLock<HashSet<&'static str>>,
}

impl Dialect {
    pub(crate) fn of(language: Language) -> Self {
        let globals = match language {
            Language::TypeScript => &IN_TYPESCRIPT,
            Language::Python => &IN_PYTHON,
        };
        Self { language, globals }
    }

    /// Whether a name is there without being bound.
    pub(crate) fn has_global(&self, name: &str) -> bool {
        self.globals.contains(name) || self.language == Language::Python && is_dunder(name)
    }

    /// Whether a name is an object whose members are global names.
    pub(crate) fn is_global_object(&self, name: &str) -> bool {
        self.language == Language::TypeScript && matches!(name, "globalThis" | "window" | "self" | "global")
    }

    /// Whether a name of the script's own scope is its value, which the guest awaits.
    pub(crate) fn is_value(&self, name: &str) -> bool {
        self.language == Language::Python && name == "result"
    }

    /// Whether a namespace answers to a name by itself, so that it names no tool.
    pub(crate) fn is_own(&self, name: &str) -> bool {
        match self.language {
            Language::TypeScript => OF_OBJECTS.contains(&name),
            Language::Python => is_dunder(name) || name == "_tools_",
        }
    }

    /// The first part of a module's full name that is not there for certain, and what to use instead.
    pub(crate) fn absent_module<'m>(&self, module: &'m str) -> Option<(&'m str, &'static str)> {
        match self.language {
            Language::TypeScript => None,
            Language::Python => absent(module),
        }
    }

    /// What to do about a call whose `await` was forgotten.
    pub(crate) fn await_it(&self, callee: &str) -> String {
        match self.language {
            Language::TypeScript => {
                format!("write `await {callee}(…)`, or collect the promises for `Promise.all`")
            }
            Language::Python => format!("write `await {callee}(…)`, or pass the call to `asyncio.gather`"),
        }
    }
}

/// Whether `import` of this name gives a module of Python's own library rather than a namespace.
pub(crate) fn is_python_module(name: &str) -> bool {
    PYTHON_MODULES.contains(name)
}

fn is_dunder(name: &str) -> bool {
    name.starts_with("__") && name.ends_with("__")
}

/// What every object has, or is asked for.
const OF_OBJECTS: [&str; 20] = [
    "$$typeof",
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
    "asymmetricMatch",
    "catch",
    "constructor",
    "finally",
    "hasOwnProperty",
    "inspect",
    "isPrototypeOf",
    "nodeType",
    "propertyIsEnumerable",
    "then",
    "toJSON",
    "toLocaleString",
    "toString",
    "valueOf",
];

static IN_TYPESCRIPT: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "\
    AbortController AbortSignal AggregateError Array ArrayBuffer AsyncFunction Atomics BigInt BigInt64Array \
    BigUint64Array Blob Boolean Buffer Bun CustomEvent DOMException DataView Date Deno Error EvalError Event \
    EventTarget FinalizationRegistry Float16Array Float32Array Float64Array FormData Function Headers Infinity \
    Int16Array Int32Array Int8Array Intl InternalError Iterator JSON Map Math NaN Number Object Promise Proxy \
    RangeError ReferenceError Reflect RegExp Request Response Set SharedArrayBuffer String SuppressedError \
    Symbol SyntaxError Temporal TextDecoder TextEncoder ToolError TypeError URIError URL URLSearchParams \
    Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly WebSocket \
    XMLHttpRequest arguments atob btoa clearInterval clearTimeout console crypto decodeURI decodeURIComponent \
    encodeURI encodeURIComponent escape eval exports fetch gc globalThis isFinite isNaN module navigator \
    parseFloat parseInt performance process prompts queueMicrotask require resources results self setImmediate \
    setInterval setTimeout structuredClone tools undefined unescape"
    .split_whitespace()
    .collect()
});

static IN_PYTHON: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "\
    ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError \
    BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError \
    ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError Ellipsis EncodingWarning \
    EnvironmentError Exception ExceptionGroup False FileExistsError FileNotFoundError FloatingPointError \
    FutureWarning GeneratorExit IOError ImportError ImportWarning IndentationError IndexError InterruptedError \
    IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError None \
    NotADirectoryError NotImplemented NotImplementedError OSError OverflowError PendingDeprecationWarning \
    PermissionError ProcessLookupError PythonFinalizationError RecursionError ReferenceError ResourceWarning \
    RuntimeError RuntimeWarning StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError \
    SystemExit TabError TimeoutError ToolError True TypeError UnboundLocalError UnicodeDecodeError \
    UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning \
    ZeroDivisionError __annotations__ __build_class__ __cached__ __debug__ __doc__ __file__ __import__ \
    __loader__ __name__ __package__ __spec__ abs aiter all anext any ascii bin bool breakpoint bytearray bytes \
    callable chr classmethod compile complex delattr dict dir divmod enumerate eval exec exit filter float \
    format frozenset getattr globals hasattr hash help hex id input int isinstance issubclass iter len license \
    list locals map max memoryview min next object oct open ord pow print prompts property quit range repr resources \
    results reversed round set setattr slice sorted staticmethod str sum super tools tuple type vars zip"
    .split_whitespace()
    .collect()
});

static PYTHON_MODULES: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "\
    abc aifc annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb \
    binascii bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections \
    colorsys compileall compression concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes \
    curses dataclasses datetime dbm decimal difflib dis distutils doctest email encodings ensurepip enum errno \
    faulthandler fcntl filecmp fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass \
    gettext glob graphlib grp gzip hashlib heapq hmac html http idlelib imaplib imghdr imp importlib inspect io \
    ipaddress itertools json keyword lib2to3 linecache locale logging lzma mailbox mailcap marshal math \
    mimetypes mmap modulefinder msilib msvcrt multiprocessing netrc nis nntplib nt ntpath nturl2path numbers \
    opcode operator optparse os ossaudiodev pathlib pdb pickle pickletools pipes pkgutil platform plistlib \
    poplib posix posixpath pprint profile pstats pty pwd py_compile pyclbr pydoc pydoc_data pyexpat queue quopri \
    random re readline reprlib resource rlcompleter runpy sched secrets select selectors shelve shlex shutil \
    signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile sre_constants sre_parse ssl \
    stat statistics string stringprep struct subprocess sunau symtable sys sysconfig syslog tabnanny tarfile \
    telnetlib tempfile termios textwrap this threading time timeit tkinter token tokenize tomllib trace \
    traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uu uuid venv warnings \
    wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo"
    .split_whitespace()
    .collect()
});
