import { execFileSync } from 'node:child_process';
import { expect } from 'vitest';
import { comparePycs } from '../../src/diff/compare.ts';
import { itOnEachPython } from '../helpers/each-python.ts';
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
