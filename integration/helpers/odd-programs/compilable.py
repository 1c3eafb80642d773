"""Deletes the sources in a directory that this Python does not compile at every level: compilable.py DIRECTORY.

Some releases crash on valid programs: 3.12.1 does, and 3.13.0 raises SystemError. So a child compiles, and another goes
on behind the source at which it died. Prints a JSON array: how many the compiler refused, and how many it crashed on.
"""
import gc
import json
import marshal
import os
import signal
import sys
import warnings

COMPILES, IS_REFUSED, CRASHES = b"y", b"n", b"x"
LIMIT_SECONDS = 60
# As many as compileall has on the stack, and some: what compiles here compiles there.
FRAMES = 12


def judge(path):
    try:
        with open(path, "rb") as file:
            data = file.read()
        for level in 0, 1, 2:
            marshal.dumps(compile(data, path, "exec", dont_inherit=True, optimize=level))
    except SystemError:
        return CRASHES
    except Exception:
        return IS_REFUSED
    return COMPILES


def judge_below(frames, path):
    return judge_below(frames - 1, path) if frames else judge(path)


def judge_all(paths, output):
    """In the child: a byte for each path, at once."""
    for path in paths:
        signal.alarm(LIMIT_SECONDS)
        os.write(output, judge_below(FRAMES, path))


def judged(paths):
    """As many judgements as there are until the child ends."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Where parsers lament their overflows.
        judge_all(paths, writing)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answers = pipe.read()
    os.waitpid(child, 0)
    return [answers[i:i + 1] for i in range(len(answers))]


def main(directory):
    warnings.simplefilter("ignore")
    gc.disable()
    paths = [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if name.endswith(".py")]
    answers = []
    while len(answers) < len(paths):
        answers += judged(paths[len(answers):])
        if len(answers) < len(paths):
            answers.append(CRASHES)
    for path, answer in zip(paths, answers):
        if answer != COMPILES:
            os.remove(path)
    print(json.dumps([answers.count(IS_REFUSED), answers.count(CRASHES)]))


main(*sys.argv[1:])
