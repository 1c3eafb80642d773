"""One of pyclink's compile workers: runs in the system's Python and lets its compileall do the work.

The first line on standard output says which interpreter this is. Then each line on standard input is a job and is
answered by one line, in order. A line is a row of words, each the UTF-8 text in hexadecimal digits, one space between
them. The end of the input ends the worker. Runs on Python 3.6 and later.

As little as possible is imported: a string that some module has interned is marshalled with another type byte, so
that the json module alone would change the pycs of sources that have "[" as a constant.
"""
import sys

del sys.path[0]  # The directory of this file: only the standard library may be imported.

import compileall
import importlib.util
import io
import os
import py_compile
import warnings


def hello():
    version = sys.version_info
    return (
        sys.implementation.name,
        "%d.%d.%d" % version[:3] + ("" if version[3] == "final" else "%s%d" % version[3:5]),
        sys.implementation.cache_tag or "",
        str(int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")),
        "free-threaded" if "t" in getattr(sys, "abiflags", "") else "",
        sys.getfilesystemencoding(),
    )


def compile_level(source, content, directory, level, mode):
    """Writes one pyc. Returns None, or what compileall has to say against the source."""
    # Python 3.6 knows only timestamps, and its functions do not take the argument.
    modes = {}
    if hasattr(py_compile, "PycInvalidationMode"):
        modes["invalidation_mode"] = py_compile.PycInvalidationMode[mode.upper().replace("-", "_")]
    if content:  # The source is a symlink that only the installed system can follow.
        cache = importlib.util.cache_from_source(source, optimization=level or "")
        recorded = os.path.join(directory, os.path.basename(source))
        try:
            py_compile.compile(content, cache, recorded, True, optimize=level, **modes)
        except py_compile.PyCompileError as error:
            return error.msg
        return None
    sys.stdout = said = io.StringIO()
    try:
        done = compileall.compile_file(source, ddir=directory, force=True, quiet=1, optimize=level, **modes)
    finally:
        sys.stdout = sys.__stdout__
    if done:
        return None
    lines = said.getvalue().splitlines()
    return "\n".join(line for line in lines if not line.startswith("*** Error compiling"))


def answer(source, content, directory, levels, mode):
    """The level that failed and why, both empty if none did, then what the compiler warned about."""
    found = set()
    warnings.showwarning = lambda message, category, filename, lineno, file=None, line=None: found.add(
        "%s:%s: %s: %s" % (filename, lineno, category.__name__, message))
    for level in levels:
        try:
            problem = compile_level(source, content, directory, int(level), mode)
        except Exception as error:  # Whatever a source makes the compiler raise costs that source only.
            problem = "%s: %s" % (type(error).__name__, error)
        if problem is not None:
            return (level, problem, *sorted(found))
    return ("", "", *sorted(found))


def main():
    to_pyclink = sys.stdout.buffer

    def send(words):
        to_pyclink.write(" ".join(word.encode("utf-8", "backslashreplace").hex() for word in words).encode() + b"\n")
        to_pyclink.flush()

    send(hello())
    for line in sys.stdin.buffer:
        send(answer(*(bytes.fromhex(word).decode() for word in line.decode().rstrip("\n").split(" "))))


main()
