import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import type { PayloadEntry } from '../../src/payload/entry.ts';
import { type Layer, overlay } from '../../src/payload/overlay.ts';
import { entryAt } from '../helpers/payload.ts';

/** What is in a layer: paths, and pairs of a path and the one that it is a link to. */
type Content = readonly (string | readonly [string, string])[];

function layers(...contents: readonly Content[]): Layer[] {
  return contents.map((names, i) => {
    const paths = names.map((name) => (typeof name === 'string' ? name : name[0]) as PayloadPath);
    const linked = names.filter((name): name is readonly [string, string] => typeof name !== 'string');
    const inLayer = (target: string) => names.includes(target);
    const fileOf = (path: string) => linked.find(([name, target]) => name === path && inLayer(target))?.[1] ?? path;
    return {
      label: `layer ${i + 1}`,
      entries: new Map(paths.map((path) => [path, entryAt(path, { file: `${i}:${fileOf(path)}` })])),
      links: new Map(linked.filter(([, target]) => !inLayer(target)) as [PayloadPath, PayloadPath][]),
      others: new Map(),
      directories: new Set(),
    };
  });
}

/** The paths, each with its file and who replaced it; and what was removed by whom. */
function seen(...contents: readonly Content[]) {
  const { entries, removedBy } = overlay(layers(...contents));
  const lines = entries.map(({ path, file, replacedBy }) => [path, file, ...(replacedBy ? [replacedBy] : [])]);
  return {
    files: lines.map((line) => line.join(' ')).sort(),
    removed: [...removedBy].map((pair) => pair.join(' by ')),
  };
}

describe('overlay', () => {
  it.each<[string, Content[], string[], string[]]>([
    ['one layer', [['/a', ['/b', '/a']]], ['/a 0:/a', '/b 0:/a'], []],
    ['a file that is replaced', [['/a', '/b'], ['/a']], ['/a 1:/a layer 2', '/b 0:/b'], []],
    ['a file that is removed', [['/d/a', '/d/b'], ['/d/.wh.a']], ['/d/b 0:/d/b'], ['/d/a by layer 2']],
    ['a directory that is removed', [['/d/e/a', '/da'], ['/.wh.d']], ['/da 0:/da'], ['/d/e/a by layer 2']],
    [
      'a directory that is emptied',
      [
        ['/d/a', '/d/b'],
        ['/d/.wh..wh..opq', '/d/b'],
      ],
      ['/d/b 1:/d/b layer 2'],
      ['/d/a by layer 2'],
    ],
    ['a directory that becomes a file', [['/d/e/a'], ['/d/e']], ['/d/e 1:/d/e'], ['/d/e/a by layer 2']],
    ['a file that comes back', [['/d/a'], ['/d/.wh.a'], ['/d/a']], ['/d/a 2:/d/a'], []],
    ['a file that is removed and added in one layer', [['/d/a'], ['/d/.wh.a', '/d/a']], ['/d/a 1:/d/a layer 2'], []],
    ['a link to a file of an earlier layer', [['/a'], [['/b', '/a']]], ['/a 0:/a', '/b 0:/a'], []],
    ['a link to nothing', [[['/b', '/a']]], ['/b 0:/b'], []],
    ['whiteouts of what is not there', [['/a'], ['/.wh.b', '/c/.wh..wh..opq']], ['/a 0:/a'], []],
  ])('applies %s', (_, contents, files, removed) => {
    expect(seen(...contents)).toEqual({ files, removed });
  });

  it('lists the links to files of earlier layers', () => {
    const { linked } = overlay(layers(['/long-name'], [['/b', '/long-name']]));
    expect(linked).toEqual([entryAt('/b', { file: '0:/long-name' })]);
  });

  it('knows unlisted files of earlier layers that links point to', () => {
    const [lower, upper] = layers([], [['/b', '/objects/ab']]) as [Layer, Layer];
    const object = entryAt('/objects/ab', { file: '0:1' });
    const { entries } = overlay([{ ...lower, others: new Map([[object.path, object]]) }, upper]);
    expect(entries).toEqual([{ ...object, path: '/b' }]);
  });

  it('removes what unlisted files of a later layer replace', () => {
    const [lower, upper] = layers(['/d/e/a.py'], []) as [Layer, Layer];
    const { entries, removedBy } = overlay([
      lower,
      { ...upper, others: new Map([['/d/e' as PayloadPath, undefined]]) },
    ]);
    expect([entries, [...removedBy]]).toEqual([[], [['/d/e/a.py', 'layer 2']]]);
  });

  const symlinkTo = (path: string, target: string): [PayloadPath, PayloadEntry] => {
    const entry = entryAt(path, { type: 'symlink', target });
    return [entry.path, entry];
  };

  it.each<[string, string]>([
    ['usr/lib', '/lib/a'],
    ['/usr/lib', '/lib/a'],
    ['../../usr/./lib', '/lib/a'],
  ])('follows a symlink of a lower layer, %s', (target, path) => {
    const [lower, middle, upper] = layers(['/usr/lib/a', '/usr/lib/b'], [path, '/lib/.wh.b'], [['/c', '/lib/a']]);
    const linked = { ...(lower as Layer), entries: new Map([symlinkTo('/lib', target), ...(lower?.entries ?? [])]) };
    const { entries, removedBy } = overlay([linked, middle as Layer, upper as Layer]);
    expect(entries.map((entry) => [entry.path, entry.file, entry.replacedBy])).toEqual([
      ['/lib', '/lib', undefined],
      ['/usr/lib/a', '1:/lib/a', 'layer 2'],
      ['/c', '1:/lib/a', 'layer 2'],
    ]);
    expect([...removedBy]).toEqual([['/usr/lib/b', 'layer 2']]);
  });

  it('replaces a symlink of a lower layer by a directory', () => {
    const [lower, upper] = layers(['/usr/lib/a'], ['/lib/a']) as [Layer, Layer];
    const { entries } = overlay([
      { ...lower, entries: new Map([symlinkTo('/lib', 'usr/lib'), ...lower.entries]) },
      { ...upper, directories: new Set(['/lib' as PayloadPath]) },
    ]);
    expect(entries.map(({ path, file }) => [path, file])).toEqual([
      ['/lib/a', '1:/lib/a'],
      ['/usr/lib/a', '0:/usr/lib/a'],
    ]);
  });

  it('leaves out paths through symlink loops', () => {
    const [layer] = layers(['/x/a']) as [Layer];
    const circle = new Map([symlinkTo('/x', 'y'), symlinkTo('/y', 'x'), ...layer.entries]);
    expect(overlay([{ ...layer, entries: circle }]).entries.map(({ path }) => path)).toEqual(['/x', '/y']);
  });

  it('removes a listed file that a device replaces', () => {
    const [lower, upper] = layers(['/a.pyc'], []) as [Layer, Layer];
    const others = new Map([['/a.pyc' as PayloadPath, undefined]]);
    const { entries, removedBy } = overlay([lower, { ...upper, others }]);
    expect([entries, [...removedBy]]).toEqual([[], [['/a.pyc', 'layer 2']]]);
  });

  it('names the last layer that has a path, unless it is removed later', () => {
    const names = fc.uniqueArray(fc.constantFrom('/a', '/b', '/.wh.a', '/.wh.b'), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(names, { maxLength: 5 }), (contents) => {
        const { entries } = overlay(layers(...contents));
        for (const name of ['a', 'b'] as const) {
          const added = contents.findLastIndex((layer) => layer.includes(`/${name}`));
          const removed = contents.findLastIndex((layer) => layer.includes(`/.wh.${name}`));
          const expected = added >= 0 && added >= removed ? `${added}:/${name}` : undefined;
          expect(entries.find(({ path }) => path === `/${name}`)?.file).toBe(expected);
        }
      }),
    );
  });
});
