"""Says as JSON which code objects differ in two trees, by path, apart from their lines and files."""

import dis
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


def without_line(code):
    """The constants and the instructions of a code object, without the __firstlineno__ of a class (3.13 and later)."""
    constants, instructions = list(code.co_consts), bytearray(code.co_code)
    shown = list(dis.get_instructions(code)) if code.co_names[3:4] == ("__firstlineno__",) else []
    for load, store in zip(shown, shown[1:]):
        if (store.opname, store.argval) == ("STORE_NAME", "__firstlineno__"):
            if load.opname == "LOAD_CONST":
                del constants[load.arg]
            else:
                instructions[load.offset + 1] = 0
    return tuple(constants), instructions


def own(code):
    constants, instructions = without_line(code)
    names = [name for name in dir(code) if name.startswith("co_")]
    left_out = {"co_code", "co_consts", "co_filename", "co_firstlineno", "co_lines"}
    left_out |= {"co_linetable", "co_lnotab", "co_positions"}
    fields = [(name, getattr(code, name)) for name in names if name not in left_out]
    return constant(constants), instructions, [(name, value) for name, value in fields if not callable(value)]


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
