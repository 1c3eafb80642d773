import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import { comparePycs } from '../../src/diff/compare.ts';
import { itOnEachPython, pythonsWhere } from '../helpers/each-python.ts';
import type { RealPython } from '../helpers/pythons.ts';

/** Classes of many shapes. No number in them is that of a line. */
const classes = `
class Plain:
    pass

@decorator
@decorator
class Shop(Plain, metaclass=Meta):
    "Sells."
    limit: int = 700
    if limit:
        other: str = "x"
    def pay(self):
        class Till:
            open = True
        return super().pay(__class__, Till, 800)
`;

/** A class that has lines as constants, and returns at two places. */
const body = `class Shop(metaclass=Meta):
    limit: int = 700
    other = limit, 702, 260, "x", 900
    last = "x", 800, 260, 702
    def pay(self):
        return 700, 702, 260
    with limit as y:
        if y:
            z = 700
`;

const script =
  'import importlib.util, marshal, sys\n' +
  'header = importlib.util.MAGIC_NUMBER + bytes(8 if sys.version_info < (3, 7) else 12)\n' +
  'code = compile(sys.stdin.read(), "shop.py", "exec", dont_inherit=True)\n' +
  'sys.stdout.buffer.write(header + marshal.dumps(code))';

/** How these classes differ from others that lie further down. */
function differences({ executable }: RealPython, old: string, now: string): string[] {
  const [one, other] = [old, now].map((input) => execFileSync(executable, ['-S', '-c', script], { input }));
  return comparePycs(one as Buffer, other as Buffer).map(({ kind, code, detail }) => `${kind} ${code}: ${detail}`);
}

// From 3.14 on, lines above 255 are constants.
for (const first of [0, 300]) {
  itOnEachPython(`$name: classes below line ${first} that only moved have the same code`, (python) => {
    const above = '\n'.repeat(first);
    const moved = `${above}\n\n${classes}`;
    expect(differences(python, above + classes, moved)).toEqual([
      'lines undefined: the same code with different lines or columns',
    ]);
    expect(differences(python, above + classes, moved.replace('700', '900'))).toEqual([
      expect.stringMatching(/^code <module>\.Shop: constant \d is int 900, was int 700$/),
    ]);
    expect(differences(python, above + classes, moved.replace('= True', '= len'))).toEqual([
      expect.stringMatching(/^code <module>\.Shop\.pay\.Till: /),
    ]);
  });
}

// The line is a constant of its own, one that the class has anyway, or, from 3.14 on and below 256, none.
for (const [from, to] of [
  [700, 702],
  [702, 700],
  [250, 260],
  [260, 250],
  [7, 700],
] as const) {
  itOnEachPython(
    `$name: a class moved from line ${from} to ${to}, one of its constants, has the same code`,
    (python) => {
      const at = (line: number, text = body) => '\n'.repeat(line - 1) + text;
      expect(differences(python, at(from), at(to))).toEqual([
        'lines undefined: the same code with different lines or columns',
      ]);
      expect(differences(python, at(from), at(to, body.replace('limit: int = 700', 'limit: int = 701')))).toEqual([
        expect.stringMatching(/^code <module>\.Shop: /),
      ]);
      expect(differences(python, at(from), at(to, body.replace('900', '901')))).toEqual([
        expect.stringMatching(/^code <module>\.Shop: constant \d+ is int 901, was int 900$/),
      ]);
      expect(differences(python, at(from), at(to, body.replace('"x", 800', '800, "x"')))).toHaveLength(1);
    },
    pythonsWhere((minor) => minor >= 13),
  );
}
