"""The code of a source at a higher level, made from its code at a lower one.

-O takes out assert statements and makes __debug__ false, -OO takes out docstrings too. A function that has none of them
has the same code at both levels. So only what may differ is compiled again: the functions that have one of them,
in the module without the others, or, where the module or a class has a docstring, with the others emptied. Every
code object is the compiler's own; they are only put together. Whoever marshals the result has to make equal objects
one, because the compiler does so with those of one compilation: docs/reproducible.md.

The interpreter itself says where a function begins and ends (PEP 657), from CPython 3.11 on. Others compile all anew.
"""
import bisect
import re
import sys

from functions import CO_OPTIMIZED, Code, bodies_in, distinct, empty, function_codes, functions_in, key_of, remove
from functions import with_functions

ASSERT = re.compile(b"assert\\b")
# What in a function means something to the body that it is in: a name that it declares global is taken in another way
# by the module, and from 3.13 on the __static_attributes__ of a class say what its functions assign to.
OUTWARD = re.compile(b"global" if sys.version_info < (3, 13) else b"global|self.*=")
CODING = re.compile(b"coding[:=][ \\t]*([-_.a-zA-Z0-9]+)")


class Source:
    """A source and its code at the level that it was compiled at last."""

    def __init__(self, data, path, level, code):
        self.data, self.path, self.level, self.code = data, path, level, code
        self.assertions = assertions(data) if level == 0 else []
        self.functions = None

    def is_same_at(self, level):
        """Whether it is certain to give the same code at a higher level."""
        return self.assertions == [] and (level < 2 or not has_docstring(self.code))

    def raise_to(self, level):
        """Goes on to a higher level. Returns its code there, or None if it has to be compiled as a whole."""
        if self.assertions is None or not has_plain_lines(self.data) or not hasattr(Code, "co_positions"):
            return None
        if self.functions is None:
            self.functions = distinct(functions_in(self.code))
        changed = around(self.functions, line_numbers(self.data, self.assertions))
        if changed is None:
            return None
        if level == 2:
            changed.update(function for function in self.functions if has_docstring(function.code))
        if len(changed) == len(self.functions):  # Nothing to gain.
            return None
        known = {id(function.code) for function in self.functions}
        try:
            if level == 2 and has_docstring(self.code, known):
                code = self.framed(level, changed)
            else:
                code = self.replaced(level, changed)
        except SyntaxError:  # A removed or an emptied function is not what it was taken for.
            return None
        if code is not None:
            self.level, self.code, self.assertions = level, code, []
        return code

    def replaced(self, level, changed):
        """The code with other code for some functions, compiled without the other functions."""
        lines = self.data.split(b"\n")
        for function in self.functions:
            if function not in changed and not may_bind_super(function, lines):
                remove(function, lines)
        made = {key_of(code): code for code in function_codes(self.compiled(lines, level))}
        codes = {id(function.code): made.get(key_of(function.code)) for function in changed}
        if None in codes.values():
            return None
        for function in changed:
            function.code = codes[id(function.code)]
        return with_functions(self.code, lambda code: codes.get(id(code), code))

    def framed(self, level, changed):
        """The code compiled anew, but for the functions that need not be."""
        lines = self.data.split(b"\n")
        kept = {
            key_of(function.code): function.code
            for function in self.functions
            if function not in changed and empty(function, lines, OUTWARD)
        }
        if not kept:
            return None
        code = self.compiled(lines, level)
        if not kept.keys() <= {key_of(each) for each in function_codes(code)}:
            return None
        code = with_functions(code, lambda code: kept.get(key_of(code), code))
        return code if is_frame_of(code, self.code) else None

    def compiled(self, lines, level):
        return compile(b"\n".join(lines), self.path, "exec", dont_inherit=True, optimize=level)


def assertions(data):
    """Where a source has something that -O takes out, or may have; None if that is not known.

    The parser takes other spellings of a name for the same name, but not of a keyword.
    """
    if b"__debug__" in data or not is_known_text(data):
        return None
    return [found.start() for found in ASSERT.finditer(data) if may_begin_statement(data, found.start())]


def is_known_text(data):
    """Whether a source is encoded as UTF-8, and has __debug__ in no other spelling."""
    named = CODING.findall(b"\n".join(data.split(b"\n", 2)[:2])) if b"coding" in data else []
    names = {name.lower().replace(b"_", b"-") for name in named}
    if is_ascii(data):
        return names <= {b"utf-8", b"ascii", b"us-ascii", b"latin-1"}
    try:
        import unicodedata

        return names <= {b"utf-8"} and "__debug__" not in unicodedata.normalize("NFKC", data.decode())
    except (ImportError, UnicodeDecodeError):
        return False


def is_ascii(data):
    try:
        return data.isascii()
    except AttributeError:  # Python 3.6.
        return len(data.decode("ascii", "ignore")) == len(data)


def may_begin_statement(data, start):
    """Whether a word is where a statement can begin: first on its line, or behind a colon or a semicolon.

    Never so in `self.assertTrue`, `>>> assert x` or "to assert"; maybe so in a string or behind a bracket.
    """
    before = data[data.rfind(b"\n", 0, start) + 1:start].rstrip(b" \t\f")
    return not before or before.endswith((b":", b";", b"\r"))


def has_docstring(code, known=()):
    """Whether -OO could take something out of a code object that -O leaves in; but for code objects that are known.

    The docstring of a function is its first constant; a module and a class have the name __doc__ for theirs.
    """
    if code.co_flags & CO_OPTIMIZED:
        found = isinstance(code.co_consts[0] if code.co_consts else None, str)
    else:
        found = "__doc__" in code.co_names
    return found or any(
        has_docstring(constant, known)
        for constant in code.co_consts
        if isinstance(constant, Code) and id(constant) not in known
    )


def is_frame_of(code, lower):
    """Whether a body is what it was at a lower level, as far as docstrings leave that as it is."""
    names, lower_names = ([name for name in each.co_names if name != "__doc__"] for each in (code, lower))
    values, lower_values = (
        [(type(value), value) for value in each.co_consts if value is not None and not isinstance(value, Code)]
        for each in (code, lower)
    )
    bodies, lower_bodies = bodies_in(code), bodies_in(lower)
    return (
        names == lower_names
        and (code.co_code == lower.co_code or "__doc__" in lower.co_names)
        and is_without_one(values, lower_values)
        and len(bodies) == len(lower_bodies)
        and all(map(is_frame_of, bodies, lower_bodies))
    )


def is_without_one(values, others):
    """Whether some values are these others, or all but one of them, in their order."""
    if values == others:
        return True
    at = next((i for i, (one, other) in enumerate(zip(values, others)) if one != other), len(values))
    return values[at:] == others[at + 1:]


def may_bind_super(function, lines):
    """Whether a function may be why the compiler does not take `super` for what it is, from CPython 3.12 on."""
    return function.code.co_name == "super" or any(b"global" in line for line in lines[function.start:function.end])


def has_plain_lines(data):
    """Whether lines and columns are what they seem to be: the tokenizer changes no bytes, but for line ends."""
    return not any(special in data for special in (b"\r", b"\f", b"\0")) and not data.startswith(b"\xef\xbb\xbf")


def line_numbers(data, offsets):
    """The line of each place, from zero. The places are in order."""
    line = start = 0
    for offset in offsets:
        line += data.count(b"\n", start, offset)
        start = offset
        yield line


def around(functions, lines):
    """The functions in which these lines are; None if a line is in none of them."""
    starts = [function.start for function in functions]
    found = set()
    for line in lines:
        index = bisect.bisect(starts, line) - 1
        if index < 0 or line >= functions[index].end:
            return None
        found.add(functions[index])
    return found
