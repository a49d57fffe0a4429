"""Imports the standard library while there are files to import it from: a run has none."""

import importlib

# What a script may rely on: the build fails without one of them.
NEEDED = """
abc argparse array ast asyncio base64 binascii bisect builtins calendar cmath codecs collections collections.abc
colorsys concurrent.futures configparser contextlib contextvars copy copyreg csv dataclasses datetime decimal
difflib dis email email.message email.parser email.utils enum errno fnmatch fractions functools gc getpass glob
graphlib gzip hashlib heapq hmac html html.entities html.parser importlib importlib.metadata importlib.resources
inspect io ipaddress itertools json keyword linecache locale logging marshal math mimetypes numbers operator os
os.path pathlib pickle platform pprint queue random re reprlib sched secrets shlex shutil signal sqlite3 stat
statistics string struct sys tempfile textwrap threading time timeit token tokenize traceback types typing
unicodedata unittest unittest.mock urllib urllib.parse uuid warnings weakref xml xml.dom.minidom xml.etree
xml.etree.ElementTree xml.sax.saxutils zipfile zlib zoneinfo
"""

# Modules that other modules import when they are used.
WANTED = """
_colorize _strptime annotationlib string.templatelib encodings.ascii encodings.cp1252 encodings.idna encodings.latin_1
encodings.utf_16 encodings.utf_16_be encodings.utf_16_le encodings.utf_32 encodings.utf_8_sig encodings.unicode_escape
encodings.raw_unicode_escape encodings.punycode encodings.hex_codec encodings.base64_codec encodings.rot_13
encodings.cp437 encodings.iso8859_1 encodings.iso8859_15 encodings.mac_roman encodings.koi8_r encodings.cp1251
subprocess socket selectors asyncio.staggered asyncio.taskgroups asyncio.timeouts concurrent.futures.thread
email.mime.text email.mime.multipart email.header email.policy email.message email.charset email.encoders
email.generator email.iterators json.tool logging.handlers optparse opcode tarfile quopri uu netrc plistlib
tomllib string urllib.robotparser http http.cookies wave symtable code codeop cmd doctest pdb pydoc tracemalloc
compression.zlib compression.gzip _pydatetime _pydecimal zoneinfo._common zoneinfo._tzpath sqlite3.dump
xml.etree.ElementPath xml.sax xml.sax.expatreader xml.dom.expatbuilder html._markupbase _markupbase
_pyrepl rlcompleter stringprep numbers ntpath posixpath nturl2path genericpath
"""


# What componentize-py itself imports once this package is loaded, when its files are out of reach.
OURS = """
componentize_py_types componentize_py_runtime componentize_py_async_support componentize_py_async_support.streams
componentize_py_async_support.futures
"""


def _import():
    for name in NEEDED.split():
        importlib.import_module(name)
    for name in (WANTED + OURS).split():
        try:
            importlib.import_module(name)
        except ImportError:
            pass


def _zones():
    """All time zones, by name."""
    import importlib.resources

    found = {}

    def read(folder, prefix):
        for entry in folder.iterdir():
            name = prefix + entry.name
            if entry.is_dir():
                read(entry, name + "/")
            elif not name.endswith((".py", ".pyc")):
                data = entry.read_bytes()
                if data[:4] == b"TZif":
                    found[name] = data

    read(importlib.resources.files("tzdata") / "zoneinfo", "")
    return found


def _keep_zones():
    import io
    import zoneinfo
    import zoneinfo._common

    zones = _zones()
    assert len(zones) > 400, "tzdata holds too few zones"

    def load_tzdata(key):
        data = zones.get(key) if isinstance(key, str) else None
        if data is None:
            raise zoneinfo.ZoneInfoNotFoundError(f"no time zone is named {key!r}")
        return io.BytesIO(data)

    zoneinfo._common.load_tzdata = load_tzdata
    zoneinfo.available_timezones = lambda: set(zones)
    zoneinfo.reset_tzpath(to=())


_import()
_keep_zones()
