"""Changes one thing in some of the pycs that are named on standard input, and leaves their headers: prints what, and where.

argv[1] is a seed, argv[2] how many. The things are an instruction, a constant, a name, a line table and a flag, in a
random code object.
"""
import marshal
import random
import sys


def codes(code, path=()):
    """The code objects in one, each with the indexes of the constants that lead to it."""
    yield path, code
    for index, constant in enumerate(code.co_consts):
        if hasattr(constant, "co_code"):
            yield from codes(constant, path + (index,))


def put(code, path, changed):
    """The code with another one in it."""
    if not path:
        return changed
    constants = list(code.co_consts)
    constants[path[0]] = put(constants[path[0]], path[1:], changed)
    return code.replace(co_consts=tuple(constants))


def change(code, what, pick):
    if what == "instruction":
        while True:
            text = bytearray(code.co_code)
            text[2 * pick.randrange(len(text) // 2) + 1] ^= 1
            changed = code.replace(co_code=bytes(text))
            if changed.co_code != code.co_code:  # The interpreter clears inline caches.
                return changed
    if what == "constant":
        return code.replace(co_consts=code.co_consts + (443,))
    if what == "name":
        return code.replace(co_names=code.co_names + ("evil",))
    if what == "line table":
        table = bytearray(getattr(code, "co_linetable", None) or code.co_lnotab)
        if not table:
            return None
        table[pick.randrange(len(table))] ^= 1
        return code.replace(**{"co_linetable" if hasattr(code, "co_linetable") else "co_lnotab": bytes(table)})
    return code.replace(co_flags=code.co_flags ^ 0x20)


pick = random.Random(int(sys.argv[1]))
for path in pick.sample(sys.stdin.read().splitlines(), int(sys.argv[2])):
    with open(path, "rb") as file:
        data = file.read()
    whole = marshal.loads(data[16:])
    changed = None
    while changed is None:
        inner, code = pick.choice(list(codes(whole)))
        what = pick.choice(["instruction", "constant", "name", "line table", "flag"])
        changed = change(code, what, pick)
    with open(path, "wb") as file:
        file.write(data[:16] + marshal.dumps(put(whole, inner, changed)))
    print(what, path, sep="\t")
