"""Proves that a whole module has the same code at a higher optimization level, so that it need not be compiled.

-O removes assert statements and makes __debug__ false. -OO also removes docstrings. A source without any of them has
the same code. If that is uncertain, or the proof raises an exception, the level is compiled.
"""
import re

CO_OPTIMIZED = 1  # Set for functions, not for modules and classes.

Code = type((lambda: None).__code__)

# A name or a keyword ends before a character that cannot be part of one.
TAKEN_OUT_BY_O = re.compile("assert(?![A-Za-z0-9_])|__debug__")
TAKEN_OUT_BY_O_IN_BYTES = re.compile(TAKEN_OUT_BY_O.pattern.encode())

COOKIE = re.compile(b"coding[:=][ \\t]*([-_.a-zA-Z0-9]+)")


def is_same(data, code, lower, level, docstring_flag):
    """Whether a source that has this code at a lower level has the same code at this level."""
    try:
        return (lower > 0 or is_without_assertions(data)) and (level < 2 or is_without_docstrings(code, docstring_flag))
    except Exception:
        return False


def is_without_assertions(data):
    """Whether a source has no assert statement and no __debug__, in any spelling.

    The compiler compares names in NFKC. NFKD finds them anywhere in the text, because it decomposes each character by
    itself and never composes two.
    """
    if TAKEN_OUT_BY_O_IN_BYTES.search(data):
        return False
    if not is_utf8(data):
        return False
    text = data.decode("utf-8")
    if len(text) == len(data):  # Only ASCII.
        return True
    import unicodedata

    return not TAKEN_OUT_BY_O.search(unicodedata.normalize("NFKD", text))


def is_utf8(data):
    """Whether a source is certainly UTF-8. Its first two lines may declare another encoding (PEP 263)."""
    first_lines = b"\n".join(data.split(b"\n", 2)[:2])
    return all(name.lower() in (b"utf-8", b"utf8") for name in COOKIE.findall(first_lines))


def is_without_docstrings(code, docstring_flag):
    """Whether this code object and those in it cannot have docstrings.

    The docstring of a function is its first constant; 3.14 and later also set a flag. Modules and classes assign theirs
    to __doc__.
    """
    found = [code]
    for each in found:
        if not each.co_flags & CO_OPTIMIZED:
            if any("__doc__" in names for names in (each.co_names, each.co_varnames, each.co_freevars, each.co_cellvars)):
                return False
        elif each.co_flags & docstring_flag if docstring_flag else isinstance((each.co_consts or (None,))[0], str):
            return False
        found.extend(constant for constant in each.co_consts if isinstance(constant, Code))
    return True
