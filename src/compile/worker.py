"""A compile worker of pyclink. It runs in the system's Python and has its compileall do the work.

The first message on standard output describes the interpreter. Then each line on standard input is a job: a list of
words, each as the hexadecimal digits of its little-endian UTF-16 (with surrogates for what is not UTF-8), with one space
between them. Each job is answered, in order, by one message and the bytes of the pycs that it lists. A message is a
list of words in UTF-8, and begins with its length in eight hexadecimal digits. The worker ends at the end of its input. It runs on Python 3.6 and later.

With PYCLINK_CACHE in its environment it also lists the files of the compiler, and says which bytes it compiled.

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


def started():
    """How this interpreter was built and started, as far as that may affect the compiler's output.

    The options and variables include those that a wrapper script adds. The tunables select the maths functions with
    which the compiler folds constants.
    """
    variables = sorted(name for name in os.environ if name.startswith(("PYTHON", "LC_", "GLIBC_TUNABLES")))
    return repr((
        sys.version, getattr(sys, "abiflags", ""), sys.flags, sorted(getattr(sys, "_xoptions", {}).items()),
        sys.warnoptions, [(name, os.environ[name]) for name in variables]))


def compiler_files():
    """The files that determine the compiler's output; empty if they cannot be determined.

    These are the machine code in this process and its modules, each module also as the pyc that import prefers. Each
    path follows a text that changes with the file: size, device, inode and time for machine code, only the size for a
    module, because a build of the running system may write its pyc and set its time.

    The compiler uses unicodedata for names that are not ASCII.
    """
    try:
        import unicodedata

        with open("/proc/self/maps") as maps:
            mappings = [line.rstrip("\n").split(None, 5) for line in maps]
        code = {fields[5] for fields in mappings if "x" in fields[1] and len(fields) == 6}
        found = {}
        for module in list(sys.modules.values()):
            path = getattr(module, "__file__", None)
            if path and path.startswith("/") and path not in code:
                found[path] = str(os.stat(path).st_size)
            cached = getattr(getattr(module, "__spec__", None), "cached", None)
            if cached:
                found[cached] = ""
        for path in code:
            if path.startswith("/"):
                status = os.stat(path)
                found[path] = "%d %d:%d %d" % (status.st_size, status.st_dev, status.st_ino, status.st_mtime_ns)
        return [word for path in sorted(found) for word in (found[path], path)]
    except (ImportError, OSError):
        return []


def hello():
    version = sys.version_info
    return (
        sys.implementation.name,
        "%d.%d.%d" % version[:3] + ("" if version[3] == "final" else "%s%d" % version[3:5]),
        sys.implementation.cache_tag or "",
        str(int.from_bytes(importlib.util.MAGIC_NUMBER[:2], "little")),
        "free-threaded" if "t" in getattr(sys, "abiflags", "") else "",
        sys.getfilesystemencoding(),
        started(),
        *(compiler_files() if is_for_cache else ()),
    )


def sha256_of(data):
    """The SHA-256 in hexadecimal. Unlike hashlib, the modules it needs import no others.

    They are imported late, so that compiler_files does not list OpenSSL, which does not affect the compiler.
    """
    try:
        from _hashlib import openssl_sha256  # Five times as fast as the interpreter's own.
        return openssl_sha256(data).hexdigest()
    except (ImportError, ValueError):  # Built or configured without it.
        try:
            from _sha2 import sha256
        except ImportError:
            from _sha256 import sha256  # Before 3.12.
        return sha256(data).hexdigest()


class Loader(importlib.machinery.SourceFileLoader):
    """The loader that py_compile uses. Remembers what it compiled last."""

    def source_to_code(self, data, path, *, _optimize=-1):
        path = "" if path == NOWHERE else path
        code = super().source_to_code(data, path, _optimize=_optimize)
        Loader.last = data, code, _optimize
        if is_for_cache and data not in compiled:
            compiled.append(data)
        return code


class Said(io.StringIO):
    """Captures the output of compileall, which before 3.9 asks for the encoding."""

    encoding = "utf-8"


def compile_level(source, content, directory, level, mode):
    """Compiles to `written`. Returns None, or the error that compileall reports."""
    # Python 3.6 knows only timestamps, and its functions do not take the argument.
    modes = {}
    if hasattr(py_compile, "PycInvalidationMode"):
        modes["invalidation_mode"] = py_compile.PycInvalidationMode[mode.upper().replace("-", "_")]
    if content:  # The source is a symlink that only the installed system can follow.
        recorded = os.path.join(directory, os.path.basename(source))
        try:
            # It takes an empty path for none.
            py_compile.compile(content, NOWHERE, recorded or NOWHERE, True, optimize=level, **modes)
        except py_compile.PyCompileError as error:
            return error.msg
        return None
    sys.stdout = said = Said()
    try:
        done = compileall.compile_file(source, ddir=directory, force=True, quiet=1, optimize=level, **modes)
    finally:
        sys.stdout = sys.__stdout__
    if done:
        return None
    lines = said.getvalue().splitlines()
    return "\n".join(line for line in lines if not line.startswith("*** Error compiling"))


def answer(source, content, directory, wanted, mode, docstring_flag):
    """Returns a message and the bytes that follow it.

    The words: the level that failed and the problem, both empty on success; the levels, each with its result: the size
    and the permissions of its pyc, or "same" if it equals the level before; for a cache, the SHA-256 of the compiled
    text, and "utf-8" if it certainly is, both empty if the file changed between levels; then the compiler's warnings.
    """
    found = set()
    del compiled[:]
    # Changes what happens to no warning, but makes Python forget those of earlier sources: 3.13.5 shows the compiler's
    # once for all files, if text and line are the same.
    warnings.simplefilter("default", append=True)
    warnings.showwarning = lambda message, category, filename, lineno, file=None, line=None: found.add(
        "%s:%s: %s: %s" % (filename, lineno, category.__name__, message))
    Loader.last = None
    made, contents = [], []
    failed, problem = "", None
    for level in map(int, wanted):
        try:
            if docstring_flag and Loader.last and levels.is_same(*Loader.last, level, int(docstring_flag)):
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
    text = ("", "")
    if len(compiled) == 1:
        text = sha256_of(compiled[0]), "utf-8" if levels.is_utf8(compiled[0]) else ""
    return (failed, problem or "", " ".join(made), *text, *sorted(found)), contents


NOWHERE = "/dev/null/pyc"  # A path at which nothing can be.
written = []
compiled = []  # The texts that the current job compiled: more than one if the source changed. Only for a cache.
# There is no normal form for the pycs of PyPy, and so no cache.
is_for_cache = "PYCLINK_CACHE" in os.environ and sys.implementation.name == "cpython"


def main():
    to_pyclink = sys.stdout.buffer
    # pyclink makes the directories and writes the pycs. It also handles what already has the name of a pyc: py_compile
    # would refuse to replace a symlink, and compile nothing.
    os.makedirs = lambda *args, **options: None
    importlib.util.cache_from_source = lambda *args, **options: NOWHERE
    importlib.machinery.SourceFileLoader = Loader
    importlib._bootstrap_external._write_atomic = lambda path, data, mode=0o666: written.append((data, mode & 0o666))
    gc.disable()  # The compiler leaves no cycles behind.
    # compileall has fewer calls around the compiler: code that it can just compile must compile here too.
    sys.setrecursionlimit(sys.getrecursionlimit() + 20)

    def send(words, contents=()):
        message = " ".join(word.encode("utf-8", "backslashreplace").hex() for word in words).encode()
        to_pyclink.write(b"%08x" % len(message) + message)
        to_pyclink.writelines(contents)
        to_pyclink.flush()

    send(hello())
    for line in sys.stdin.buffer:
        send(*answer(*(bytes.fromhex(word).decode("utf-16-le", "surrogatepass") for word in line.decode().rstrip("\n").split(" "))))


main()
os._exit(0)  # All is sent. An orderly shutdown of the interpreter would only take time.
