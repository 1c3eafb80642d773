import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { StagedPath } from '../../src/files/path.ts';
import type { FileIdentity } from '../../src/files/stat.ts';
import { groupByFile, isLinked, type PycFile, planLinks } from '../../src/links/group.ts';

interface Written extends PycFile {
  readonly content: string;
}

const sameContent = (a: Written, b: Written) => a.content === b.content;

const inode = (number: number, device = 1) => `${device}:${number}` as FileIdentity;

function file(path: string, content: string, facts: Partial<PycFile> = {}): Written {
  return {
    path: path as StagedPath,
    identity: inode(path.charCodeAt(0)),
    mode: 0o644,
    userId: 0,
    groupId: 0,
    sizeBytes: content.length,
    modifiedNs: 0n,
    content,
    ...facts,
  };
}

/** A plan by names: each step as `original<duplicate`. */
function planned(...files: Written[]) {
  const { steps, hindered } = planLinks(files, sameContent);
  return {
    steps: steps.map(({ original, duplicate }) => `${original.path}<${duplicate.path}`),
    hindered: hindered.map((entry) => `${entry.file.path} ${entry.reason}`),
  };
}

describe('planLinks', () => {
  it.each<[string, Written[], string[], string[]]>([
    ['nothing', [], [], []],
    ['a file alone', [file('a', 'x')], [], []],
    ['two that are identical: the first is kept', [file('b', 'x'), file('a', 'x')], ['b<a'], []],
    ['three', [file('a', 'x'), file('b', 'x'), file('c', 'x')], ['a<b', 'a<c'], []],
    ['two pairs', [file('a', 'x'), file('b', 'y'), file('c', 'x'), file('d', 'y')], ['a<c', 'b<d'], []],
    ['files of one size that differ', [file('a', 'x'), file('b', 'y')], [], []],
    ['files that are linked already', [file('a', 'x'), file('b', 'x', { identity: inode(97) })], [], []],
    [
      'one inode number on two devices: the file system judges',
      [file('a', 'x'), file('b', 'x', { identity: inode(97, 2) })],
      ['a<b'],
      [],
    ],
    ['another mode', [file('a', 'x'), file('b', 'x', { mode: 0o600 })], [], ['b mode-differs']],
    ['another user', [file('a', 'x'), file('b', 'x', { userId: 1 })], [], ['b owner-differs']],
    ['another group', [file('a', 'x'), file('b', 'x', { groupId: 1, mode: 0o600 })], [], ['b owner-differs']],
    ['another mode and other content', [file('a', 'x'), file('b', 'y', { mode: 0o600 })], [], []],
    [
      'the second of a kind that is apart: linked with the first of its kind',
      [file('a', 'x'), file('b', 'x', { mode: 0o600 }), file('c', 'x', { mode: 0o600 }), file('d', 'x')],
      ['b<c', 'a<d'],
      ['b mode-differs'],
    ],
    [
      'a pair linked to each other, identical to a third: both are replaced',
      [file('a', 'x'), file('b', 'x'), file('c', 'x', { identity: inode(98) })],
      ['a<b', 'a<c'],
      [],
    ],
  ])('for %s', (_name, files, steps, hindered) => {
    expect(planned(...files)).toEqual({ steps, hindered });
  });

  it('compares the contents only of files of equal size that are not linked yet', () => {
    const asked: string[] = [];
    const files = [file('a', 'x'), file('b', 'xx'), file('c', 'x', { identity: inode(97) }), file('d', 'y')];
    planLinks(files, (a, b) => {
      asked.push(`${a.path}${b.path}`);
      return sameContent(a, b);
    });
    expect(asked).toEqual(['ad']);
  });
});

describe('groupByFile', () => {
  it('makes sets in the order of the files', () => {
    const [a, b, c] = [file('a', 'x'), file('b', 'y'), file('c', 'x', { identity: inode(97) })];
    expect(groupByFile([a, b, c])).toEqual([[a, c], [b]]);
    expect(groupByFile([c, b, a])).toEqual([[c, a], [b]]);
  });

  it('tells apart equal inodes on two devices', () => {
    const [a, b] = [file('a', 'x'), file('b', 'x', { identity: inode(97, 2) })];
    expect(groupByFile([a, b])).toEqual([[a], [b]]);
    expect(isLinked(a, b)).toBe(false);
  });

  it('can group by another key than the identity', () => {
    const [a, b] = [file('a', 'x'), file('b', 'x')];
    expect(groupByFile([a, b], () => 'one')).toEqual([[a, b]]);
  });
});

describe('the plan, carried out', () => {
  /** Files of which some are linked: one inode has one content, mode and owner. */
  const files = fc
    .tuple(
      fc.array(
        fc.record({
          content: fc.constantFrom('x', 'y', 'xx'),
          mode: fc.constantFrom(0o644, 0o600),
          userId: fc.constantFrom(0, 1),
        }),
        { minLength: 1, maxLength: 5 },
      ),
      fc.array(fc.nat(), { maxLength: 12 }),
    )
    .map(([inodes, names]) =>
      names.map((choice, i) => {
        const number = choice % inodes.length;
        const { content = '', ...facts } = inodes[number] ?? {};
        return file(`f${i}`, content, { ...facts, identity: inode(number) });
      }),
    );

  const carriedOut = (before: readonly Written[]): Written[] => {
    const originals = new Map(
      planLinks(before, sameContent).steps.map(({ original, duplicate }) => [duplicate, original]),
    );
    return before.map((one) => ({ ...(originals.get(one) ?? one), path: one.path }));
  };
  const kind = ({ content, mode, userId, groupId }: Written) => JSON.stringify([content, mode, userId, groupId]);
  const pathsOf = (groups: readonly (readonly Written[])[]) => groups.map((group) => group.map(({ path }) => path));

  it('has one group for each content, mode and owner', () => {
    fc.assert(
      fc.property(files, (before) => {
        const kinds = new Map<string, StagedPath[]>();
        for (const one of before) kinds.set(kind(one), [...(kinds.get(kind(one)) ?? []), one.path]);
        expect(pathsOf(groupByFile(carriedOut(before)))).toEqual([...kinds.values()]);
      }),
    );
  });

  it('changes the content, mode and owner of no file', () => {
    fc.assert(
      fc.property(files, (before) => {
        expect(carriedOut(before).map(kind)).toEqual(before.map(kind));
      }),
    );
  });

  it('leaves nothing to do for a second run', () => {
    fc.assert(
      fc.property(files, (before) => {
        expect(planLinks(carriedOut(before), sameContent).steps).toEqual([]);
      }),
    );
  });

  it('replaces no link target, and no file twice', () => {
    fc.assert(
      fc.property(files, (before) => {
        const { steps } = planLinks(before, sameContent);
        const duplicates = steps.map(({ duplicate }) => duplicate);
        expect(new Set(duplicates).size).toBe(duplicates.length);
        expect(steps.filter(({ original }) => duplicates.includes(original))).toEqual([]);
      }),
    );
  });
});
