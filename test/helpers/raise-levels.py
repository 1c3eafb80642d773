"""Raises sources to higher levels as the worker does, and holds the code against what the compiler makes of the whole.

Reads a JSON array of texts; writes one with, for each text, what became of levels 1 and 2 one after the other, and of
level 2 alone: "same", "parts" or "whole", and "wrong" behind it if the code is another.
"""
import json
import sys
import warnings

sys.path.insert(0, sys.argv[1])
import levels

PARTS = [name for name in dir(levels.Code) if name.startswith("co_") and name not in ("co_consts", "co_lines", "co_positions", "co_branches", "co_lnotab")]


def is_same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, levels.Code):
        return all(getattr(one, name) == getattr(other, name) for name in PARTS) and is_same(one.co_consts, other.co_consts)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(is_same, one, other))
    return one == other and (isinstance(one, frozenset) or repr(one) == repr(other))


def ways(data, wanted):
    def compiled(level):
        return compile(data, "/a.py", "exec", dont_inherit=True, optimize=level)

    source = levels.Source(data, "/a.py", 0, compiled(0))
    found = []
    for level in wanted:
        if source.is_same_at(level):
            way = "same"
        elif source.raise_to(level) is not None:
            way = "parts"
        else:
            way, source = "whole", levels.Source(data, "/a.py", level, compiled(level))
        found.append(way if is_same(source.code, compiled(level)) else way + " wrong")
    return found


warnings.simplefilter("ignore")
texts = json.load(sys.stdin)
json.dump([ways(text.encode(), (1, 2)) + ways(text.encode(), (2,)) for text in texts], sys.stdout)
