"""Holds the level proof against the compiler.

Reads a JSON array of [text in hexadecimal digits, flag of docstrings]. Writes an array with, for each text, what the
proof says of level 1 after 0, of 2 after 1 and of 2 after 0: "same" or "compiled", and "wrong" behind a "same" whose
code is another.
"""
import json
import marshal
import sys
import warnings

sys.path.insert(0, sys.argv[1])
import levels


def bytes_of(code):
    try:
        return marshal.dumps(code, 0)
    except ValueError:  # From 3.14 on, slices are no constants of format 0.
        return marshal.dumps(code)


def ways(data, docstring_flag):
    codes = [compile(data, "/a.py", "exec", dont_inherit=True, optimize=level) for level in (0, 1, 2)]
    for lower, level in (0, 1), (1, 2), (0, 2):
        if not levels.is_same(data, codes[lower], lower, level, docstring_flag):
            yield "compiled"
        elif bytes_of(codes[lower]) == bytes_of(codes[level]):
            yield "same"
        else:
            yield "same wrong"


def is_valid(data):
    try:
        compile(data, "/a.py", "exec", dont_inherit=True)
        return True
    except (SyntaxError, ValueError):
        return False


warnings.simplefilter("ignore")
sources = [(bytes.fromhex(text), flag) for text, flag in json.load(sys.stdin)]
json.dump([", ".join(ways(data, flag)) if is_valid(data) else "invalid" for data, flag in sources], sys.stdout)
