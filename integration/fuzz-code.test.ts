import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { temporaryDirectory } from '../test/helpers/buildroot.ts';
import { itOnEachPython } from '../test/helpers/each-python.ts';
import { allPypys, allPythons, missingPypys, missingPythons, type RealPython } from '../test/helpers/pythons.ts';
import { fuzzCode, writeOddPrograms } from './helpers/fuzz-code.ts';

const everyPython = { pythons: [...allPythons, ...allPypys], missing: [...missingPythons, ...missingPypys] };

describe('odd programs', () => {
  itOnEachPython(
    'are compiled like by the compiler of $name',
    async (python) => {
      const { programs, compared, findings } = await fuzzCode(python, 300, 'tests');
      expect(findings).toEqual([]);
      expect(programs).toBeGreaterThanOrEqual(300);
      expect(compared).toBeGreaterThan(2 * programs);
    },
    everyPython,
  );

  itOnEachPython('cover everything that may go wrong on $name', async (python) => {
    const directory = temporaryDirectory();
    await writeOddPrograms(python, directory, 'tests', 4000);
    const programs = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'latin1'));
    const wanted = Object.entries(features).filter(([, [, minor = 0]]) => minorOf(python) >= minor);
    const counts = wanted.map(([what, [pattern]]) => [what, programs.filter((text) => pattern.test(text)).length]);
    expect(counts.filter(([, count]) => Number(count) < 2)).toEqual([]);
  });
});

const minorOf = ({ minor }: RealPython) => Number(minor.split('.')[1]);

/** What has to be in some of the programs that compile, by the bytes, and since which minor version. */
const features: Readonly<Record<string, readonly [pattern: RegExp, minor?: number]>> = {
  'byte order mark': [/^\xef\xbb\xbf/],
  'cookie of UTF-8': [/coding[:=]\s*utf-8/],
  'other cookie': [/coding[:=]\s*(latin-1|cp1252|utf-7|koi8-r)/],
  'carriage return': [/\r(?!\n)/],
  'carriage return and line feed': [/\r\n/],
  'form feed': [/\f/],
  backslash: [/\\\r?\n/],
  'assert behind a semicolon': [/; *assert/],
  'assert behind a colon': [/: *assert/],
  'assert in a class': [/class \w+[^\n]*:\n\s+assert/],
  lambda: [/lambda/],
  'dead comprehension': [/if (False|0):[^\n]* for /],
  'comprehension in a class': [/class \w+[^\n]*:\n\s+\w+ = \[[^\n]* for /],
  'concatenated docstring': [/def \w+\([^\n]*\):\n\s+\(?["'][^"'\n]*["'] *r?["']/],
  'raw docstring': [/:\n\s+r["']/],
  'bytes in the place of a docstring': [/:\n\s+b["']/],
  'f-string in the place of a docstring': [/:\n\s+f["']/],
  '__doc__ global': [/global [^\n;]*__doc__/],
  '__doc__ nonlocal': [/nonlocal [^\n;]*__doc__/],
  '__doc__ parameter': [/def \w+\([^)\n]*__doc__/],
  '__doc__ deleted': [/del __doc__/],
  '__doc__ imported': [/as __doc__/],
  '__doc__ attribute': [/\w\.__doc__/],
  __debug__: [/__debug__/],
  'words like assert': [/assertTrue|asserts/],
  decorator: [/@\w/],
  walrus: [/:=/, 8],
  'walrus in a decorator': [/@\([^\n]*:=/, 9],
  'type alias': [/(^|\n)\s*type \w+ *=/, 12],
  'type parameters': [/(class|def) \w+\[/, 12],
  'attribute of self': [/self\.\w+ = /],
  'attribute of self in a loop': [/for self\.\w+ in/],
  match: [/match [^\n]+:\r?\n\s+case/, 10],
  async: [/async def/],
  await: [/await /],
  'except star': [/except\*/, 11],
  finally: [/finally:/],
  'from the future': [/from __future__ import/],
  'name in other letters': [/[\xc3-\xf0][\x80-\xbf]/],
  'private name': [/__x\b/],
  'slice of constants': [/\[\d+:\d+/],
  'not a number': [/1e309 (- 1e309|\* 0)/],
  'complex not a number': [/1e309 \* 1j/],
  infinity: [/-1e309/],
  'negative zero': [/-0\.0/],
  'not a number in a tuple': [/, 1e309 - 1e309\)/],
  'several in a frozenset': [/in \{1e309 - 1e309, 1e309 - 1e309/],
  'not a number by default': [/def g\(x=[^\n]*y=-?\(?1e309/],
  'slice to not a number': [/\[1e309 - 1e309:/],
  't-string': [/\bt["']/, 14],
};
