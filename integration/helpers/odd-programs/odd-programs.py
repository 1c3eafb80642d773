"""Writes odd programs, of which most compile: odd-programs.py DIRECTORY SEED FIRST COUNT.

grammar.txt says what they are made of; here is how they are laid out and encoded. The file of number 7 is p7.py. The
same seed and number give the same program to the same Python, whatever the other numbers are. Runs on Python 3.6 and
later, and PyPy.
"""
import os
import random
import re
import sys

SYMBOL = re.compile(r"([A-Z]{3,})(\d?)")
TAGS = re.compile(r"<([^>]*)> ")
PLACES = {"FBODY": ("BODY", "f"), "ABODY": ("BODY", "a"), "CBODY": ("BODY", "c")}
PLACES.update({"LAMBDA": ("EXPR", "f"), "INNER": ("EXPR", "g"), "LOOP": ("BLOCK", None)})
TERMINAL = {"DEEP": 1, "TOWER": 1, "MANY": 1}

ENDLESS = 99


class Alternative:
    """A line of the grammar, in parts: a text and the symbol behind it, by turns."""

    def __init__(self, line):
        tags = TAGS.match(line)
        self.weight, self.since, self.places = 1, (3, 0), ""
        for tag in tags.group(1).split() if tags else ():
            if tag.startswith("x"):
                self.weight = int(tag[1:])
            elif tag[0].isdigit():
                self.since = tuple(map(int, tag.split(".")))
            else:
                self.places = tag
        text = line[tags.end() if tags else 0:].replace("¶", "\n")
        pieces = SYMBOL.split(text)
        self.parts = [(literal, name, name + digit if digit else "")
                      for literal, name, digit in zip(pieces[::3], pieces[1::3] + [""], pieces[2::3] + [""])]
        self.symbols = [name for _, name, _ in self.parts if name]
        self.height = ENDLESS


def read_grammar(path):
    grammar = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.rstrip("\n")
            if line.startswith("  "):
                alternatives.append(Alternative(line[2:]))
            elif line and not line.startswith("#"):
                alternatives = grammar[line] = []
    for name in grammar:
        grammar[name] = [each for each in grammar[name] if each.since <= sys.version_info[:2]]
    for name, (other, _) in PLACES.items():
        grammar[name] = grammar[other]
    # How many symbols lie in each other at least.
    heights = dict(TERMINAL)
    for _ in range(20):
        for name, alternatives in grammar.items():
            for each in alternatives:
                each.height = 1 + max([heights.get(one, ENDLESS) for one in each.symbols], default=0)
            heights[name] = min(each.height for each in alternatives)
    return grammar


class Writer:
    def __init__(self, grammar):
        self.grammar, self.choices, self.random = grammar, {}, random.Random()

    def pick(self, options):
        return options[int(self.random.random() * len(options))]

    def is_one_in(self, count):
        return self.random.random() * count < 1

    def choices_for(self, name, place, depth):
        key = name, place, depth
        if key not in self.choices:
            fitting = [each for each in self.grammar[name] if not each.places or set(each.places) & set(place)]
            height = max(depth, min(each.height for each in fitting))
            self.choices[key] = [each for each in fitting if each.height <= height for _ in range(each.weight)]
        return self.choices[key]

    def text(self, name, place, depth):
        """One of the texts of a symbol."""
        if name in TERMINAL:
            return getattr(self, name.lower())()
        if name in PLACES:
            name, within = PLACES[name]
            place = within or place.strip("l") + "l"
        out, indent, known = "", "", {}
        for literal, symbol, key in self.pick(self.choices_for(name, place, depth)).parts:
            out += literal
            if "\n" in literal:
                line = literal[literal.rfind("\n") + 1:]
                indent = line[:len(line) - len(line.lstrip(" "))]
            if symbol:
                text = known.get(key) or self.text(symbol, place, depth - 1)
                if key:
                    known[key] = text
                out += text.replace("\n", "\n" + indent) if indent else text
        return out

    def deep(self):
        """An expression that nests, up to and past what compiles."""
        before, core, after = self.pick([
            ("lambda: ", "0", ""), ("(", "0", ")"), ("-", "x", ""), ("not ", "x", ""), ("[", "", "]"), ("f(", "1", ")"),
            ("(lambda: ", '"doc"', ")"), ("x if ", "x", " else x"), ("x.a[", "1", "]"), ("1 + (", "x", ")"),
        ])
        times = self.pick((10, 19, 30, 60, 88, 92, 99)) if self.is_one_in(2) else self.pick((150, 199, 200, 500, 900))
        times = times if self.is_one_in(8) else times % 20
        return before * times + core + after * times

    def tower(self):
        """Blocks in blocks."""
        times = self.pick((3, 5, 18, 20, 21, 90)) if self.is_one_in(8) else 3
        headers = self.pick((["if x:"], ["def f():"], ["class A:"], ["while x:"], ["def f(x):", "class A:", "if x:"]))
        lines = [" " * i + headers[i % len(headers)] for i in range(times)]
        return "\n".join(lines) + "\n" + " " * times + self.pick(("assert x", '"doc"', "x = __debug__", "self.x = 1"))

    def many(self):
        """So many constants, names or lines that an instruction needs more than a byte for them."""
        count = 260 if self.is_one_in(8) else 9
        return self.pick(("\n", "; ")).join(self.pick(("n%d", "x = %d.5", "n%d = n%d", "x.n%d")).replace("%d", str(i))
                                            for i in range(count)) + "\nassert x"

    def program(self, seed, number):
        """The bytes of a program."""
        self.random.seed("%s/%d" % (seed, number))
        depth = self.pick((6, 8, 10, 12, 14, 16))
        lines = self.text("PROGRAM", "m", depth).split("\n")
        unit = self.pick((" ", " ", "  ", "    ", "\t"))
        for i, line in enumerate(lines):
            body = line.lstrip(" ")
            lines[i] = unit * (len(line) - len(body)) + body
        if self.is_one_in(8):
            for i in range(0, len(lines), self.pick((1, 2, 5))):
                lines[i] = "\f" + lines[i]
        if self.is_one_in(8):
            lines.insert(self.pick(range(len(lines) + 1)), self.pick(("", "# assert x", "  # __debug__", "#" * 300)))
        end = self.pick(("\n",) * 12 + ("\r\n", "\r\n", "\r", "\r", None))
        text = "".join(line + (end or self.pick(("\n", "\r\n", "\r"))) for line in lines)
        return self.encoded(text.rstrip("\r\n") if self.is_one_in(6) else text, end or "\r")

    def encoded(self, text, end):
        if not self.is_one_in(4):
            return text.encode("utf-8", "surrogatepass")
        if self.is_one_in(2):
            cookie = self.pick(("", "", "# coding: utf-8" + end, "#!/usr/bin/python" + end + "# coding=utf-8" + end))
            return b"\xef\xbb\xbf" + (cookie + text).encode("utf-8", "surrogatepass")
        codec = self.pick(("utf-8", "UTF-8", "utf-8-unix", "latin-1", "iso-8859-15", "cp1252", "ascii", "utf-7", "utf-7",
                           "koi8-r", "shift_jis", "gb18030", "raw_unicode_escape", "iso2022_jp"))
        line = self.pick(("# -*- coding: %s -*-", "# vim: set fileencoding=%s :", "#coding=%s", " \f# coding:\t%s")) % codec
        head = self.pick(("", "", "#!/usr/bin/python", "# assert x", "\f")) + end
        try:
            data = text.encode("utf-8" if codec.startswith("utf-8-u") else codec)
        except UnicodeEncodeError:
            data, line = text.encode("utf-8", "surrogatepass"), line.replace(codec, "utf-8")
        # Letters that only the codec knows to be letters.
        hidden = {"utf-7": b"+AGE-ssert", "raw_unicode_escape": b"\\u0061ssert"}.get(codec)
        if hidden and self.is_one_in(2):
            data = data.replace(b"assert", hidden)
        return (head + line + end if len(head) > 1 else line + end).encode() + data


def main(directory, seed, first, count):
    writer = Writer(read_grammar(os.path.join(os.path.dirname(os.path.abspath(__file__)), "grammar.txt")))
    for number in range(int(first), int(first) + int(count)):
        with open(os.path.join(directory, "p%d.py" % number), "wb") as file:
            file.write(writer.program(seed, number))


main(*sys.argv[1:])
