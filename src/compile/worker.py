"""A compile worker of pyclink. It runs in the system's Python and has its compileall do the work.

The first message on standard output describes the interpreter. Then each line on standard input is a job: a list of
words, each as the hexadecimal digits of its UTF-8, with one space between them. Each job is answered, in order, by one
message and the bytes of the pycs that it lists. A message is a list of words too, and begins with its length in eight
hexadecimal digits. The worker ends at the end of its input. It runs on Python 3.6 and later.

As little as possible is imported: a string that some module has interned is marshalled with another type byte, so
that the json module alone would change the pycs of sources that have "[" as a constant.
"""
import sys

directory = sys.path.pop(0)  # Of this file: nothing in it may shadow the standard library.

import compileall
import gc
import importlib.machinery
import importlib.util
import io
import os
import py_compile
import warnings

sys.path.append(directory)
import levels

del sys.path[-1]


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


class Loader(importlib.machinery.SourceFileLoader):
    """The loader that py_compile uses. Keeps what was compiled last."""

    def source_to_code(self, data, path, *, _optimize=-1):
        code = super().source_to_code(data, path, _optimize=_optimize)
        Loader.last = data, code, _optimize
        return code


def is_ready_for_link(path):
    """Whether py_compile would write this pyc: it refuses to replace a symlink, a directory or a device."""
    return not os.path.lexists(path) or os.path.isfile(path) and not os.path.islink(path)


def compile_level(source, content, directory, level, mode):
    """Compiles to `written`. Returns None, or the error that compileall reports."""
    # Python 3.6 knows only timestamps, and its functions do not take the argument.
    modes = {}
    if hasattr(py_compile, "PycInvalidationMode"):
        modes["invalidation_mode"] = py_compile.PycInvalidationMode[mode.upper().replace("-", "_")]
    if content:  # The source is a symlink that only the installed system can follow.
        recorded = os.path.join(directory, os.path.basename(source))
        try:
            py_compile.compile(content, cache_of(source, level), recorded, True, optimize=level, **modes)
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


def cache_of(source, level):
    return importlib.util.cache_from_source(source, optimization=level or "")


def answer(source, content, directory, wanted, mode, docstring_flag):
    """A message and the bytes that follow it.

    The words: the level that failed and why, both empty if none did; a row of the levels, each with what became of
    it, the size and the permissions of its pyc, or "same" if it was left out because it is the same as the one
    before; then what the compiler warned about.
    """
    found = set()
    warnings.showwarning = lambda message, category, filename, lineno, file=None, line=None: found.add(
        "%s:%s: %s: %s" % (filename, lineno, category.__name__, message))
    Loader.last = None
    made, contents = [], []
    failed, problem = "", None
    for level in map(int, wanted):
        try:
            may_be_same = docstring_flag and Loader.last and is_ready_for_link(cache_of(source, level))
            if may_be_same and levels.is_same(*Loader.last, level, int(docstring_flag)):
                made.append("%d:same" % level)
                continue
            del written[:]
            problem = compile_level(source, content, directory, level, mode)
        except Exception as error:  # Whatever the compiler raises, only this source is lost.
            problem = "%s: %s" % (type(error).__name__, error)
        if problem is not None:
            failed = str(level)
            break
        for data, permissions in written:
            made.append("%d:%d:%o" % (level, len(data), permissions))
            contents.append(data)
    Loader.last = None
    return (failed, problem or "", " ".join(made), *sorted(found)), contents


written = []


def main():
    to_pyclink = sys.stdout.buffer
    # pyclink makes the directories and writes the pycs.
    os.makedirs = lambda *args, **options: None
    importlib.machinery.SourceFileLoader = Loader
    importlib._bootstrap_external._write_atomic = lambda path, data, mode=0o666: written.append((data, mode & 0o666))
    gc.disable()  # The compiler leaves no cycles behind.
    # There are fewer calls around the compiler in compileall: code that it can just compile must compile here too.
    sys.setrecursionlimit(sys.getrecursionlimit() + 20)

    def send(words, contents=()):
        message = " ".join(word.encode("utf-8", "backslashreplace").hex() for word in words).encode()
        to_pyclink.write(b"%08x" % len(message) + message)
        to_pyclink.writelines(contents)
        to_pyclink.flush()

    send(hello())
    for line in sys.stdin.buffer:
        send(*answer(*(bytes.fromhex(word).decode() for word in line.decode().rstrip("\n").split(" "))))


main()
