"""Prints a line for each pyc that standard input names: the SHA-256 of all that its code holds, and the identifiers
among its names that are not interned. Types count: 1 is not True, and 0.0 not -0.0. Frozensets are taken by value. See marshal-dump.ts.
"""
import hashlib
import marshal
import struct
import sys

MINOR = sys.version_info[1]
NUMBERS = ["argcount"] + ["posonlyargcount"] * (MINOR >= 8) + ["kwonlyargcount"] + ["nlocals"] * (MINOR < 11)
NUMBERS += ["stacksize", "flags", "firstlineno"]
NAMES = ["names", "varnames", "freevars", "cellvars"]
TEXTS = ["filename", "name"] + ["qualname"] * (MINOR >= 11)
TABLES = ["code"] + ["lnotab" if MINOR < 10 else "linetable"] + ["exceptiontable"] * (MINOR >= 11)


def dump(thing, loose):
    if isinstance(thing, bytes):
        return "b" + thing.hex()
    if isinstance(thing, str):
        return "s" + thing.encode("utf-8", "surrogatepass").hex()
    if isinstance(thing, bool) or thing is None or thing is ...:
        return str(thing)
    if isinstance(thing, int):
        return "i%d" % thing
    if isinstance(thing, float):
        return "f" + struct.pack("<d", thing).hex()
    if isinstance(thing, complex):
        return "c" + struct.pack("<dd", thing.real, thing.imag).hex()
    if isinstance(thing, tuple):
        return "(%s)" % ",".join(dump(one, loose) for one in thing)
    if isinstance(thing, frozenset):
        return "{%s}" % ",".join(sorted(dump(one, loose) for one in thing))
    if isinstance(thing, slice):
        return "[%s]" % ",".join(dump(one, loose) for one in (thing.start, thing.stop, thing.step))
    fields = [(name, getattr(thing, "co_" + name)) for name in NUMBERS + NAMES + TEXTS + TABLES + ["consts"]]
    for name, field in fields:
        for text in field if name in NAMES else [field] if name in TEXTS[1:] else []:
            if text.isidentifier() and sys.intern(text) is not text:
                loose.append(text)
    return "<%s>" % ",".join("%s=%s" % (name, dump(field, loose)) for name, field in fields)


sys.setrecursionlimit(10000)
sys.set_int_max_str_digits(0) if hasattr(sys, "set_int_max_str_digits") else None
for path in sys.stdin.read().split("\n"):
    with open(path, "rb") as file:
        code = marshal.loads(file.read()[16 if MINOR >= 7 else 12:])
    loose = []
    print(hashlib.sha256(dump(code, loose).encode()).hexdigest(), *loose)
