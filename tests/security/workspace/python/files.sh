set -e
mkdir -p ~/case/sub ~/case/shadow ~/case/package ~/case/lib; cd ~/case
cat > facts.py <<'E'
import sys, os, inspect
print(__name__, __file__, __spec__, __package__, type(__loader__).__name__, __builtins__, sorted(globals()))
print(sys.argv, sys.orig_argv, sys.path, sys.flags, sys.executable, sys.prefix, sys.base_prefix)
print(len(inspect.stack()), os.getcwd(), sys.warnoptions, sys._xoptions, sys.dont_write_bytecode)
E
cp facts.py sub/facts.py; ln -s ../sub/facts.py lib/link.py; ln -s sub/facts.py here.py
echo 'import random; print(random.__file__, random.OWN)' > shadow/uses.py; echo 'OWN = 1' > shadow/random.py
echo 'print("package", __name__, __package__, __spec__.name)' > package/__main__.py; echo > package/__init__.py
echo 'x = = 1' > wrong.py; printf 'print("no newline at the end", end="")' > bare.py; printf 'print(1)\r\nprint(2)\r\n' > dos.py
printf '# -*- coding: latin-1 -*-\nprint("\xe4")\n' > latin.py; printf 'print("\xe4")\n' > broken.py
printf 'def f():\n    raise ValueError("x\\n y")\ntry:\n    f()\nexcept ValueError as error:\n    raise KeyError("k") from error\n' > chained.py
echo 'def work(n): return n * n' > squares.py
mkdir app; echo 'print("zipped", __file__)' > app/__main__.py; /usr/bin/python3 -m zipapp app -o app.pyz; printf 'a\r\nb\nc' > text
