"""The functions in the bodies of a module and of its classes: where they are, and the source without them.

Where a function begins and ends is what the interpreter itself says (PEP 657), from CPython 3.11 on.
"""
import opcode
import re

CO_OPTIMIZED = 1  # Set for functions. The inspect module knows it too, but is not imported.

Code = type((lambda: None).__code__)

MAKE_FUNCTION, LOAD_CONST, EXTENDED_ARG = map(opcode.opmap.get, ("MAKE_FUNCTION", "LOAD_CONST", "EXTENDED_ARG"))

# On one line, without strings, comments, and brackets in brackets.
SIMPLE_HEADER = re.compile(b"[^'\"\\\\#()]*\\([^'\"\\\\#()\\[\\]{}:]*\\)[^'\"\\\\#()\\[\\]{}:]*:[ \\t]*$")

# On one line, without a prefix that gives it another syntax.
STRING = re.compile(b"(?<![A-Za-z])(?:'[^'\\\\]*'|\"[^\"\\\\]*\")")


class Function:
    """A function in the body of a module or a class."""

    def __init__(self, code, position):
        line, last_line, self.column, self.last_column = position
        self.code = code
        # Lines are counted from zero. Decorators come before the line of the definition.
        self.start, self.definition, self.end = code.co_firstlineno - 1, line - 1, last_line


def functions_in(code):
    """The functions in a body and in the classes in it, where the interpreter says where they are."""
    for made, position in made_functions(code):
        is_named = made.co_flags & CO_OPTIMIZED and not made.co_name.startswith("<")
        if is_named and made.co_freevars in ((), ("__class__",)) and None not in position:
            yield Function(made, position)
    for body in bodies_in(code):
        yield from functions_in(body)


def distinct(functions):
    """Functions in the order of their lines, each once; none if there are two of which nothing tells which is which.

    A body of `finally` is compiled twice, and so are the functions in it.
    """
    found = {}
    for function in functions:
        if found.setdefault(key_of(function.code), function).code is not function.code:
            return []
    return sorted(found.values(), key=lambda function: function.start)


def made_functions(code):
    """The code objects of which a body makes functions, or classes, with the positions of the definitions."""
    instructions = code.co_code
    positions = None
    at = -1
    while True:
        at = instructions.find(MAKE_FUNCTION, at + 1)
        if at < 0:
            return
        if at % 2 == 1 or at < 2 or instructions[at - 2] != LOAD_CONST:
            continue
        index, shift = instructions[at - 1], 8
        before = at - 4
        while before >= 0 and instructions[before] == EXTENDED_ARG:
            index |= instructions[before + 1] << shift
            before, shift = before - 2, shift + 8
        if positions is None:
            positions = list(code.co_positions())
        yield code.co_consts[index], positions[at // 2]


def bodies_in(code):
    """The bodies of the classes in a body."""
    return [each for each in code.co_consts if isinstance(each, Code) and not each.co_flags & CO_OPTIMIZED]


def function_codes(code):
    """The code objects of the functions in a body and in the classes in it."""
    for each in code.co_consts:
        if isinstance(each, Code):
            if each.co_flags & CO_OPTIMIZED:
                yield each
            else:
                yield from function_codes(each)


def key_of(code):
    """What tells the functions in bodies apart, and is the same in all compilations of a source."""
    return code.co_qualname, code.co_firstlineno


def with_functions(code, replacement):
    """A body with other code objects for the functions in it and in the classes in it."""
    constants = tuple(
        each
        if not isinstance(each, Code)
        else replacement(each)
        if each.co_flags & CO_OPTIMIZED
        else with_functions(each, replacement)
        for each in code.co_consts
    )
    is_same = all(new is old for new, old in zip(constants, code.co_consts))
    return code if is_same else code.replace(co_consts=constants)


def remove(function, lines):
    """Takes a function out of the lines, which are as many as before."""
    lines[function.start:function.end] = [b""] * (function.end - function.start)
    lines[function.start] = b" " * function.column + b"0"


def empty(function, lines, outward):
    """Takes the body of a function out of the lines, if that is certain to be possible. The end stays where it is.

    Not if something is found in it that means something to what is around it.
    """
    first, last, column = body_start(function, lines), function.end - 1, function.last_column - 1
    if first is None or last < first or column <= function.column or function.code.co_freevars:
        return False
    if outward.search(b"\n".join(lines[first:function.end])):
        return False
    lines[first:last] = [b""] * (last - first)
    lines[last] = b" " * column + b"0" + lines[last][function.last_column:]
    return True


def body_start(function, lines):
    """The line after the header of a function, from zero; None if the header is not a plain one."""
    if SIMPLE_HEADER.match(lines[function.definition]):
        return function.definition + 1
    depth = 0
    for number in range(function.definition, function.end):
        line = STRING.sub(b"", lines[number])
        if b"'" in line or b'"' in line or b"\\" in line:
            return None
        line = line.partition(b"#")[0]
        depth += sum(map(line.count, (b"(", b"[", b"{"))) - sum(map(line.count, (b")", b"]", b"}")))
        if depth == 0:
            return number + 1 if line.rstrip().endswith(b":") else None
    return None
