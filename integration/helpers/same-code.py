"""Says for each pyc whether it holds the code that this interpreter's compile() makes of its source.

Every field that marshal writes counts, also those that code objects do not show, such as the kinds of local variables.
So does which constants are one object: programs see it by "is", and of NaNs also by "==" and "in". Flags and interning
are left out, frozensets are taken as sets, and equal ones may be one: the history of a process decides those.
Each line of standard input is a JSON array: pyc, source, the path that the code records, level. Each is answered by a
line: "same"; "missing"; "none" if there is no pyc and the source does not compile; or "wrong" and the first difference
in words. Runs on Python 3.6 and later, and PyPy.
"""
import gc
import importlib.util
import json
import marshal
import struct
import sys
import warnings

VERSION = sys.version_info[:2]
IS_PYPY = sys.implementation.name == "pypy"
HAS_KINDS = VERSION >= (3, 11) and not IS_PYPY  # Of local variables, in place of three tuples of names.

# A code object: numbers of four bytes, objects, the number of the first line, objects.
NUMBERS = ["argcount"] + ["posonlyargcount"] * (VERSION >= (3, 8)) + ["kwonlyargcount"]
NUMBERS += ["nlocals"] * (not HAS_KINDS) + ["stacksize", "flags"]
OBJECTS = ["code", "constants", "names"]
OBJECTS += ["localsplusnames", "localspluskinds"] if HAS_KINDS else ["varnames", "freevars", "cellvars"]
OBJECTS += ["filename", "name"] + ["qualname"] * (VERSION >= (3, 11))
TAIL = ["lnotab" if VERSION < (3, 10) or IS_PYPY and VERSION < (3, 11) else "linetable"]
TAIL += ["exceptiontable"] * hasattr(compile("", "", "exec"), "co_exceptiontable")  # PyPy 8.0.1 has it, 7.3.19 has not.

SIZES = {"N": 0, "F": 0, "T": 0, ".": 0, "S": 0, "r": 4, "i": 4, "I": 8, "g": 8, "y": 16, ":": 0}
TEXTS = "utaAzZ"
CONTAINERS = {"(": "tuple", ")": "tuple", "<": "set", ">": "frozenset", "[": "list", ":": "slice", "c": "code"}


class Values:
    """Numbers for what marshal reads: equal values have the same number, however they are written."""

    def __init__(self):
        self.all, self.numbers = [], {}

    def number(self, kind, own, children):
        value = kind, own, tuple(sorted(children) if kind == "frozenset" else children)
        if value not in self.numbers:
            self.numbers[value] = len(self.all)
            self.all.append(value)
        return self.numbers[value]

    def read(self, data):
        """The number of the value that is all of some bytes. Raises ValueError. Nesting costs no stack."""
        at, flagged, opened = 0, [], []

        def take(size):
            nonlocal at
            at += size
            if size < 0 or at > len(data):
                raise ValueError("ends early")
            return data[at - size:at]

        def size_of(code):
            return struct.unpack(code, take(struct.calcsize(code)))[0]

        while True:
            byte = take(1)[0]
            kind, flag = chr(byte & 0x7F), None
            if byte & 0x80:
                flag = len(flagged)
                flagged.append(None)
            if kind in CONTAINERS:
                own = take(4 * len(NUMBERS)) if kind == "c" else b""
                due = len(OBJECTS + TAIL) if kind == "c" else 3 if kind == ":" else size_of("B" if kind == ")" else "<i")
                opened.append([kind, own, due, [], flag])
            else:
                if kind == "r":
                    index = size_of("<i")
                    number = flagged[index] if 0 <= index < len(flagged) else None
                    if number is None:
                        raise ValueError("a reference to nothing")
                else:
                    number = self.leaf(kind, take, size_of)
                if flag is not None:
                    flagged[flag] = number
                if not opened:
                    break
                opened[-1][3].append(number)
            while opened and len(opened[-1][3]) == opened[-1][2]:
                kind, own, _, children, flag = opened.pop()
                number = self.number(CONTAINERS[kind], own, children)
                if flag is not None:
                    flagged[flag] = number
                if opened:
                    opened[-1][3].append(number)
            if not opened:
                break
            if opened[-1][0] == "c" and len(opened[-1][3]) == len(OBJECTS):
                opened[-1][1] += take(4)
        if at < len(data):
            raise ValueError("bytes behind the end")
        return number

    def leaf(self, kind, take, size_of):
        if kind in TEXTS:
            return self.number("text", take(size_of("B" if kind in "zZ" else "<i")), ())
        if kind in SIZES:
            return self.number(kind, take(SIZES[kind]), ())
        if kind == "s":
            return self.number(kind, take(size_of("<i")), ())
        if kind == "l":
            count = take(4)
            return self.number(kind, count + take(2 * abs(struct.unpack("<i", count)[0])), ())
        raise ValueError("an object of unknown type %r" % kind)

    def difference(self, one, other):
        """Where two values first differ, in words. Goes down without recursion."""
        place = []
        while True:
            (kind, own, children), (other_kind, other_own, other_children) = self.all[one], self.all[other]
            if kind != other_kind or len(children) != len(other_children) or kind == "frozenset":
                break
            if kind == "code":
                del place[-2:]  # Among which constants it is.
                place.append(self.all[children[OBJECTS.index("name")]][1].decode("utf-8", "surrogatepass"))
                for i, field in enumerate(NUMBERS + ["firstlineno"]):
                    numbers = [struct.unpack_from("<i", each, 4 * i)[0] for each in (own, other_own)]
                    if numbers[0] != numbers[1]:
                        return "%s: %s %d, expected %d" % (".".join(place), field, *numbers)
            differing = [i for i, (a, b) in enumerate(zip(children, other_children)) if a != b]
            if not differing:
                break
            place.append((OBJECTS + TAIL)[differing[0]] if kind == "code" else "%d" % differing[0])
            one, other = children[differing[0]], other_children[differing[0]]
        return "%s: %s, expected %s" % (".".join(place), self.words(one), self.words(other))

    def words(self, number):
        kind, own, children = self.all[number]
        if kind == "text":
            return repr(own.decode("utf-8", "surrogatepass"))
        if kind == "i":
            return "%d" % struct.unpack("<i", own)
        names = {"N": "None", "F": "False", "T": "True", ".": "...", "l": "a long", "g": "a float", "y": "a complex"}
        if kind in names:
            return "%s %s" % (names[kind], own.hex()) if own else names[kind]
        return "bytes %s" % own.hex() if kind == "s" else "a %s of %d" % (kind, len(children))


class Identities:
    """Which constants of one code object are which of another."""

    def __init__(self):
        self.others, self.ones, self.kept = {}, {}, []

    def fit(self, one, other):
        """Whether two equal constants can be the same one."""
        return self.others.get(id(one), id(other)) == id(other) and self.ones.get(id(other), id(one)) == id(one)

    def pair(self, one, other):
        self.others[id(one)], self.ones[id(other)] = id(other), id(one)
        self.kept.append((one, other))  # So that no other objects get their addresses.

    def difference(self, one, other):
        """The constant at which it differs which are one object, in words; None if nowhere. Goes down without recursion."""
        due = [(one, other)]
        while due:
            one, other = due.pop()
            if isinstance(one, frozenset):
                if len(one) != len(other):
                    return "a frozenset of %d, expected one of %d" % (len(one), len(other))
                due += self.pairs_of_elements(one, other)
                continue
            if not self.fit(one, other):
                counts = "one object, expected two" if id(one) in self.others else "two objects, expected one"
                return "%s: %s" % (ascii(one), counts)
            if id(one) not in self.others:
                self.pair(one, other)
                due += reversed(list(zip(parts_of(one), parts_of(other))))
        return None

    def pairs_of_elements(self, one, other):
        """The elements of two equal frozensets. Among NaNs, those that are each other elsewhere."""
        pairs, others = [], sorted(other, key=shape_of)
        for element in sorted(one, key=shape_of):
            # Both lists are sorted by shape. If no element matches, report the first one as the difference.
            fitting = (i for i, each in enumerate(others)
                       if shape_of(each) == shape_of(element) and leaves_fit(self, element, each))
            pairs.append((element, others.pop(next(fitting, 0))))
        return pairs


def parts_of(value):
    if isinstance(value, type(main.__code__)):
        return value.co_consts
    return value if isinstance(value, tuple) else (value.start, value.stop, value.step) if isinstance(value, slice) else ()


def leaves_of(value):
    return [leaf for part in value for leaf in leaves_of(part)] if isinstance(value, tuple) else [value]


def leaves_fit(identities, one, other):
    return all(map(identities.fit, leaves_of(one), leaves_of(other)))


def shape_of(value):
    """What an element of a frozenset is, with NaNs told apart by number."""
    leaves = leaves_of(value)
    first = {id(leaf): i for i, leaf in reversed(list(enumerate(leaves)))}
    return marshal.dumps(value, PLAIN), [first[id(leaf)] for leaf in leaves]


HEADER_BYTES = 16 if VERSION >= (3, 7) else 12
# Without references and interning, and floats in binary. It cannot write slices.
PLAIN = 2


def is_plainly_same(body, code):
    """The fast way, which only ever errs by saying no."""
    try:
        return marshal.dumps(marshal.loads(body), PLAIN) == marshal.dumps(code, PLAIN) and is_used_up(body)
    except Exception:
        return False


def is_used_up(body):
    """Whether a value that can be read takes all of these bytes."""
    try:
        marshal.loads(body[:-1])
    except EOFError:
        return True
    return False


def difference_in_identity(body, code):
    """In words; None if there is none. For code that is the same in every field."""
    # What PyPy writes stays as it is, and its equal numbers are one.
    return None if IS_PYPY else Identities().difference(marshal.loads(body), code)


def first_difference(body, code):
    """In words; None if there is none."""
    values = Values()
    expected = values.read(marshal.dumps(code))
    try:
        found = values.read(body)
    except ValueError as error:
        return str(error)
    return None if found == expected else values.difference(found, expected)


def answer(pyc, source, recorded, level):
    with open(source, "rb") as file:
        data = file.read()
    try:
        with open(pyc, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        content = None
    try:
        code = compile(data, recorded, "exec", dont_inherit=True, optimize=level)
        marshal.dumps(code)
    except Exception as error:  # Of any kind: some releases raise SystemError.
        return "none" if content is None else "wrong %s" % repr(error).replace("\n", " ")
    if content is None:
        return "missing"
    if content[:4] != importlib.util.MAGIC_NUMBER or len(content) < HEADER_BYTES:
        return "wrong header"
    body = content[HEADER_BYTES:]
    difference = None if is_plainly_same(body, code) else first_difference(body, code)
    difference = difference or difference_in_identity(body, code)
    return "same" if difference is None else "wrong %s" % difference


def main():
    warnings.simplefilter("ignore")
    gc.disable()  # The compiler leaves no cycles behind.
    # What compiles in compileall, with its frames on the stack, compiles here.
    sys.setrecursionlimit(sys.getrecursionlimit() + 100)
    for line in sys.stdin.buffer:
        said = answer(*json.loads(line.decode())).encode("ascii", "backslashreplace").decode()
        print(said, flush=True)


main()
