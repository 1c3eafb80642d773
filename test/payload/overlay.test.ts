import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { type Layer, overlay } from '../../src/payload/overlay.ts';
import type { TarName } from '../../src/payload/tar-names.ts';
import { entryAt } from '../helpers/payload.ts';

/** What is in a layer: paths, and pairs of a path and the one that it is a link to. */
type Content = readonly (string | readonly [string, string])[];

function layers(...contents: readonly Content[]): Layer[] {
  return contents.map((names, i) => {
    const listed = names.map((name): [PayloadPath, TarName] => {
      const [path, target = path] = typeof name === 'string' ? [name] : name;
      const isInLayer = names.includes(target);
      const entry = entryAt(path, { file: `${i}:${isInLayer ? target : path}` });
      return [entry.path, { entry, isListed: true, linkTo: isInLayer ? undefined : (target as PayloadPath) }];
    });
    return { label: `layer ${i + 1}`, names: new Map(listed) };
  });
}

/** A layer with more in it, before everything else. */
function withNames(layer: Layer | undefined, ...names: [string, TarName][]): Layer {
  return { label: '', ...layer, names: new Map([...(names as [PayloadPath, TarName][]), ...(layer?.names ?? [])]) };
}

const device: TarName = { entry: undefined, isListed: false };

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
    const { entries } = overlay([withNames(lower, [object.path, { entry: object, isListed: false }]), upper]);
    expect(entries).toEqual([{ ...object, path: '/b' }]);
  });

  it('removes what unlisted files of a later layer replace', () => {
    const [lower, upper] = layers(['/d/e/a.py'], []) as [Layer, Layer];
    const { entries, removedBy } = overlay([lower, withNames(upper, ['/d/e', device])]);
    expect([entries, [...removedBy]]).toEqual([[], [['/d/e/a.py', 'layer 2']]]);
  });

  it('removes what a file replaces in the same layer', () => {
    const [lower, upper] = layers(['/d/a'], ['/d/b', '/d']) as [Layer, Layer];
    const file = { entry: entryAt('/d'), isListed: false };
    const { entries } = overlay([lower, { ...upper, names: new Map(upper.names).set('/d' as PayloadPath, file) }]);
    expect(entries).toEqual([]);
  });

  const symlinkTo = (path: string, target: string): [string, TarName] => [
    path,
    { entry: entryAt(path, { type: 'symlink', target }), isListed: true },
  ];

  it.each<[string, string]>([
    ['usr/lib', '/lib/a'],
    ['/usr/lib', '/lib/a'],
    ['../../usr/./lib', '/lib/a'],
  ])('follows a symlink of a lower layer, %s', (target, path) => {
    const [lower, middle, upper] = layers(['/usr/lib/a', '/usr/lib/b'], [path, '/lib/.wh.b'], [['/c', '/lib/a']]);
    const linked = withNames(lower, symlinkTo('/lib', target));
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
      withNames(lower, symlinkTo('/lib', 'usr/lib')),
      withNames(upper, ['/lib', { entry: entryAt('/lib', { type: 'directory' }), isListed: false }]),
    ]);
    expect(entries.map(({ path, file }) => [path, file])).toEqual([
      ['/usr/lib/a', '0:/usr/lib/a'],
      ['/lib/a', '1:/lib/a'],
    ]);
  });

  it('leaves out paths through symlink loops', () => {
    const circle = withNames(layers(['/x/a'])[0], symlinkTo('/x', 'y'), symlinkTo('/y', 'x'));
    expect(overlay([circle]).entries.map(({ path }) => path)).toEqual(['/x', '/y']);
  });

  it('has directories in directories, however many, and removes them', () => {
    const deep = `${'/d'.repeat(12_000)}/a.py`;
    expect(overlay(layers([deep])).entries.map(({ path }) => path)).toEqual([deep]);
    expect(overlay(layers([deep], ['/.wh.d'])).entries).toEqual([]);
  });

  it('removes a listed file that a device replaces', () => {
    const [lower, upper] = layers(['/a.pyc'], []) as [Layer, Layer];
    const { entries, removedBy } = overlay([lower, withNames(upper, ['/a.pyc', device])]);
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
