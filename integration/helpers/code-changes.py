"""Says as JSON which code objects differ in two trees, by path, apart from their lines and files."""

import json
import marshal
import os
import sys
import types


def constant(value):
    if isinstance(value, types.CodeType):
        return "code"
    if isinstance(value, tuple):
        return "(%s)" % ",".join(map(constant, value))
    if isinstance(value, frozenset):
        return "{%s}" % ",".join(sorted(map(constant, value)))
    return type(value).__name__ + repr(value)


def own(code):
    names = [name for name in dir(code) if name.startswith("co_")]
    left_out = ("co_consts", "co_filename", "co_firstlineno", "co_linetable", "co_lnotab", "co_lines", "co_positions")
    fields = [(name, getattr(code, name)) for name in names if name not in left_out]
    return constant(code.co_consts), [(name, value) for name, value in fields if not callable(value)]


def codes(code, place, found):
    found.setdefault(place, []).append(own(code))
    for value in code.co_consts:
        if isinstance(value, types.CodeType):
            codes(value, place + "." + value.co_name, found)
    return found


def read(tree):
    found = {}
    for directory, _, names in os.walk(tree):
        for name in names:
            if name.endswith(".pyc") and ".opt-" not in name:
                path = os.path.join(directory, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, tree)] = codes(marshal.loads(file.read()[16:]), "<module>", {})
    return found


old, new = map(read, sys.argv[1:])
changed = {}
for path in old.keys() & new.keys():
    one, other = old[path], new[path]
    places = sorted(place for place in one.keys() | other.keys() if one.get(place) != other.get(place))
    if places:
        changed[path] = places
json.dump(changed, sys.stdout, sort_keys=True)
