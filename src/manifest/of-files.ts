import { type Buildroot, toPayload } from '../buildroot/path.ts';
import { sourceAt } from '../buildroot/source.ts';
import { errnoOf } from '../errors.ts';
import { ifPossible, ifRefused } from '../files/if-possible.ts';
import { byCodeUnit, type PayloadPath, type StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { isGone } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import { type ReadPyc, readPyc } from '../links/fingerprint.ts';
import { groupByFile } from '../links/group.ts';
import { codeFactsOf } from '../marshal/code-facts.ts';
import { parsePycHeader } from '../pyc/header.ts';
import { parsePycPath } from '../pyc/name.ts';
import { codeLayoutOf } from '../pyc/releases.ts';
import { sha256Of } from '../sha256.ts';
import { modeText } from '../text.ts';
import { inTurns } from '../turns.ts';
import { type ManifestContent, recordsOf } from './encode.ts';
import { attributed } from './interpreters.ts';
import type { Manifest, ManifestInterpreter, PycRecord } from './schema.ts';

/** What can be recorded about existing pycs. */
export interface SurveyedPycs {
  /** The records, without the interpreters. */
  readonly records: readonly PycRecord[];
  /** The magic numbers of the pycs, by cache tag. */
  readonly magicNumbers: ReadonlyMap<string, ReadonlySet<number>>;
  /** The pycs that cannot be recorded, by reason. */
  readonly unrecorded: ReadonlyMap<string, readonly PayloadPath[]>;
  /** The number of unreadable pycs. */
  readonly unreadable: number;
}

/** Reads existing pycs for a manifest. @param sets each of one source and one cache tag */
export async function surveyPycs(
  buildroot: Buildroot,
  sets: readonly (readonly StagedPath[])[],
): Promise<SurveyedPycs> {
  const records: PycRecord[] = [];
  const magicNumbers = new Map<string, Set<number>>();
  let unreadable = 0;
  const unrecorded = new Map<string, PayloadPath[]>();
  const leaveOut = (reason: string, paths: readonly StagedPath[]) =>
    getOrAdd(unrecorded, reason, () => []).push(...paths.map((path) => toPayload(buildroot, path)));
  for await (const set of inTurns(sets)) {
    const { source, cacheTag } = (set[0] && parsePycPath(set[0])) ?? {};
    if (source === undefined || cacheTag === undefined) {
      leaveOut('not in a __pycache__ directory', set);
      continue;
    }
    if (isGone(source)) {
      leaveOut('without a source', set);
      continue;
    }
    const pycs = set.flatMap((path) => {
      const refuse = (error: unknown) => {
        leaveOut(`not readable (${errnoOf(error)})`, [path]);
        unreadable += 1;
      };
      return ifRefused(() => readPyc(path), refuse) ?? [];
    });
    const ofSource = digestOf(buildroot, source);
    for (const group of groupByFile(pycs)) {
      const [{ content, sizeBytes, mode }] = group as [ReadPyc];
      const header = parsePycHeader(content);
      if ('unreadable' in header) {
        leaveOut(
          header.unreadable,
          group.map(({ path }) => path),
        );
        continue;
      }
      getOrAdd(magicNumbers, cacheTag, () => new Set()).add(header.magicNumber);
      records.push({
        source: toPayload(buildroot, source),
        ...(ofSource === undefined ? {} : { sourceSha256: ofSource }),
        paths: group.map(({ path }) => toPayload(buildroot, path)).sort(byCodeUnit),
        sizeBytes,
        sha256: sha256Of(content),
        mode: modeText(mode),
        invalidationMode: header.invalidationMode,
        ...(hasColumns(content, header.magicNumber) === false && { debugRanges: false }),
      });
    }
  }
  return { records, magicNumbers, unrecorded, unreadable };
}

function hasColumns(pyc: Buffer, magicNumber: number): boolean | undefined {
  const layout = codeLayoutOf(magicNumber);
  return layout && codeFactsOf(pyc, layout).hasColumns;
}

/** The SHA-256 of a source, or of the file in the tree that it leads to; undefined if it cannot be read. */
function digestOf(buildroot: Buildroot, source: StagedPath): string | undefined {
  const file = ifPossible(() => readRegular(sourceAt(buildroot, source)?.content ?? source));
  return file && sha256Of(file.content);
}

/**
 * Makes the content of a manifest from these pycs. Takes the interpreters from an earlier manifest with the same paths,
 * or the same cache tag and magic number. Of other interpreters only the cache tag and magic number are known.
 */
export function contentOfFiles(
  { records, magicNumbers }: SurveyedPycs,
  skipped: ManifestContent['skipped'],
  earlier: Manifest | undefined,
): ManifestContent {
  const known = earlier?.interpreters ?? [];
  const versionAt = new Map<PayloadPath, string>();
  for (const { paths, interpreterVersion } of attributed(earlier === undefined ? [] : recordsOf(earlier), known)) {
    if (interpreterVersion !== undefined) for (const path of paths) versionAt.set(path, interpreterVersion);
  }
  const interpreters: ManifestInterpreter[] = [];
  for (const [cacheTag, numbers] of magicNumbers) {
    for (const magicNumber of numbers) {
      const same = known.filter((one) => one.cacheTag === cacheTag && one.magicNumber === magicNumber);
      interpreters.push(...(same.length > 0 ? same : [byItsFiles(cacheTag, magicNumber)]));
    }
  }
  const withVersion = records.map((record) => {
    const version = record.paths.map((path) => versionAt.get(path)).find((one) => one !== undefined);
    return version === undefined ? record : { ...record, interpreterVersion: version };
  });
  return { interpreters, records: attributed(withVersion, interpreters), skipped };
}

function byItsFiles(cacheTag: string, magicNumber: number): ManifestInterpreter {
  const [, implementation = cacheTag, major = '', minor = ''] = /^([a-z]+)-?(\d)(\d+)/.exec(cacheTag) ?? [];
  return { implementation, version: `${major}.${minor}`, cacheTag, magicNumber };
}
