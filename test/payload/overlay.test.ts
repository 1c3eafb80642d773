import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import { type Layer, overlay } from '../../src/payload/overlay.ts';
import type { TarEntry } from '../../src/payload/tar.ts';

const file = (path: string, linkTo?: string): TarEntry => ({
  path: path as PayloadPath,
  ...(linkTo === undefined ? {} : { linkTo: linkTo as PayloadPath }),
  sizeBytes: linkTo === undefined ? path.length : 0,
  mode: 0o644,
  owner: '0:0',
  mtimeSeconds: 0,
});

/** What is in a layer: paths, and pairs of a path and the one that it is a link to. */
type Content = readonly (string | readonly [string, string])[];

function layers(...contents: readonly Content[]): Layer[] {
  return contents.map((names, i) => {
    const entries = names.map((name) => (typeof name === 'string' ? file(name) : file(...name)));
    return { label: `layer ${i + 1}`, entries: new Map(entries.map((entry) => [entry.path, entry])) };
  });
}

/** The paths, each with the name of its file and who replaced it; and what was removed by whom. */
function seen(...contents: readonly Content[]) {
  const { files, removedBy } = overlay(layers(...contents));
  const lines = Array.from(files, ([path, { inode, replacedBy }]) => [
    path,
    inode,
    ...(replacedBy ? [replacedBy] : []),
  ]);
  return { files: lines.map((line) => line.join(' ')), removed: [...removedBy].map((pair) => pair.join(' by ')) };
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
    ['a link to nothing', [[['/b', '/a']]], ['/b 0:/a'], []],
    ['whiteouts of what is not there', [['/a'], ['/.wh.b', '/c/.wh..wh..opq']], ['/a 0:/a'], []],
  ])('applies %s', (_, contents, files, removed) => {
    expect(seen(...contents)).toEqual({ files, removed });
  });

  it('gives a link the facts of its file, under its own name', () => {
    const { files } = overlay(layers(['/long-name'], [['/b', '/long-name']]));
    expect(files.get('/b' as PayloadPath)?.entry).toEqual({ ...file('/long-name'), path: '/b' });
  });

  it('gives the last layer that has a path, if none removes it later', () => {
    const names = fc.uniqueArray(fc.constantFrom('/a', '/b', '/.wh.a', '/.wh.b'), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(names, { maxLength: 5 }), (contents) => {
        const { files } = overlay(layers(...contents));
        for (const name of ['a', 'b'] as const) {
          const added = contents.findLastIndex((layer) => layer.includes(`/${name}`));
          const removed = contents.findLastIndex((layer) => layer.includes(`/.wh.${name}`));
          const expected = added >= 0 && added >= removed ? `${added}:/${name}` : undefined;
          expect(files.get(`/${name}` as PayloadPath)?.inode).toBe(expected);
        }
      }),
    );
  });
});
