import { type DiffFinding, diff } from '../diff/diff.ts';
import { type DiffKind, diffKinds } from '../diff/kinds.ts';
import { modulesOf, pairModules } from '../diff/pairs.ts';
import { exitStatus } from '../errors.ts';
import { searchForBytecode } from '../payload/bytecode.ts';
import type { Search } from '../payload/entry.ts';
import { Payload } from '../payload/payload.ts';
import { type ReadOptions, searchTargets } from '../payload/targets.ts';
import { type DiffReport, diffText } from '../report/diff.ts';
import { unreadableNotes } from '../report/findings.ts';
import type { CommandResult } from './result.ts';

export interface DiffOptions extends ReadOptions {
  readonly old: string;
  readonly now: string;
  readonly verbose?: boolean;
}

/** `pyclink diff`: finds the modules whose code differs between two payloads. @throws PyclinkError */
export async function diffCommand(options: DiffOptions): Promise<CommandResult<DiffReport>> {
  const [old, now] = [await read(options.old, options), await read(options.now, options)];
  const pairs = pairModules(old.modules, now.modules);
  const differences = await diff(pairs, old.search, now.search);
  const empty = [
    ...(old.modules.length === 0 ? [`${options.old}: it contains no pycs`] : []),
    ...(now.modules.length === 0 ? [`${options.now}: it contains no pycs`] : []),
  ];
  const unreadable = [...empty, ...unreadableNotes([...old.unreadable, ...now.unreadable])];
  const all = new Set([...old.modules, ...now.modules].map(({ source }) => source)).size;
  const changed = (isMeant: (finding: DiffFinding) => boolean) =>
    new Set(differences.filter(isMeant).map(({ path }) => path)).size;
  const counts = (Object.keys(diffKinds) as DiffKind[]).map(
    (kind) => [kind, changed((one) => one.kind === kind)] as const,
  );
  const summary = {
    modules: all,
    same: all - changed(() => true),
    ...Object.fromEntries(counts.filter(([, count]) => count > 0)),
  };
  const data = { differences, summary, unreadable };
  return {
    status: differences.length + unreadable.length > 0 ? exitStatus.problems : exitStatus.done,
    text: diffText(data, options.verbose === true),
    data,
  };
}

/** @throws PyclinkError */
async function read(target: string, options: ReadOptions) {
  const { search, facts } = searchForBytecode({ pycs: 'content', sources: false, hashMagicNumbers: [] });
  const contents = await searchTargets([target], search, options);
  return {
    modules: modulesOf(new Payload(contents), facts),
    unreadable: contents.flatMap((content) => content.unreadable),
    search: (again: Search) => searchTargets([target], again, options),
  };
}
