import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { stringify } from 'csv-stringify/sync';
import { type Buildroot, toStaged } from '../buildroot/path.ts';
import { errnoOf } from '../errors.ts';
import { ifPossible } from '../files/if-possible.ts';
import { contains, type PayloadPath, parentOf, type StagedPath } from '../files/path.ts';
import { readRegular } from '../files/read-regular.ts';
import { rewriteFile } from '../files/replace.ts';
import { isSameVersion, lstatIfAny, secondsOf } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import type { PycRecord } from './schema.ts';

/**
 * Adds pycs to the RECORD of the distribution that their source belongs to, as pip does for its own, so that an
 * uninstall removes them. Skips distributions that others than Python's installers installed, or maybe did: a system
 * package manager may own their RECORD.
 * @param gone sources and pycs that were removed: their lines are removed as well
 * @returns a message for each RECORD that cannot be used
 * @see PyPA's specification "Recording installed projects"
 */
export function listInRecords(
  buildroot: Buildroot,
  records: readonly PycRecord[],
  gone: ReadonlySet<PayloadPath> = new Set(),
): string[] {
  const pycsOf = new Map<PayloadPath, PayloadPath[]>();
  for (const { source, paths } of records) getOrAdd(pycsOf, source, () => []).push(...paths);
  const problems: string[] = [];
  for (const directory of directoriesAbove([...pycsOf.keys(), ...gone])) {
    for (const information of informationIn(toStaged(buildroot, directory))) {
      const file = join(information, 'RECORD') as StagedPath;
      try {
        if (isOfInstaller(information)) addToRecord(file, directory, pycsOf, gone);
      } catch (error) {
        const reason = error instanceof CsvError ? 'it is not valid CSV' : errnoOf(error);
        if (reason === undefined) throw error;
        problems.push(`${file}: pycs cannot be added to it (${reason})`);
      }
    }
  }
  return problems;
}

function addToRecord(
  file: StagedPath,
  directory: PayloadPath,
  pycsOf: ReadonlyMap<PayloadPath, PayloadPath[]>,
  gone: ReadonlySet<PayloadPath>,
): void {
  const record = readRegular(file);
  if (record === undefined) return;
  const text = record.content.toString();
  const listed = (parse(text, { relaxColumnCount: true, skipEmptyLines: true }) as string[][]).map(
    ([path = '']) => path,
  );
  const known = new Set(listed);
  const pycs = listed
    .flatMap((path) => pycsOf.get(join(directory, path) as PayloadPath) ?? [])
    .filter((path) => contains(directory, path))
    .map((path) => path.slice(directory === '/' ? 1 : directory.length + 1))
    .filter((path) => !known.has(path));
  const isGone = (path: string) => gone.has(join(directory, path) as PayloadPath);
  if (pycs.length === 0 && !listed.some(isGone)) return;
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const rows = [...new Set(pycs)].sort().map((path) => [path, '', '']);
  const { mode, accessedNs, modifiedNs } = record.stat;
  const attributes = { mode, accessedSeconds: secondsOf(accessedNs), modifiedSeconds: secondsOf(modifiedNs) };
  // Names in it may be invalid UTF-8.
  const kept = record.content
    .toString('latin1')
    .split(/(?<=\n)/)
    .filter((line) => gone.size === 0 || !isGone(Buffer.from(pathIn(line), 'latin1').toString()))
    .join('');
  const before = kept === '' || kept.endsWith('\n') ? '' : lineEnd;
  const added = Buffer.from(before + stringify(rows, { record_delimiter: lineEnd }));
  const content = Buffer.concat([Buffer.from(kept, 'latin1'), added]);
  const isDone = rewriteFile(file, content, attributes, (name) => isSameVersion(lstatIfAny(name), record.stat));
  // It changed in the meantime.
  if (isDone === undefined) addToRecord(file, directory, pycsOf, gone);
}

/** The first field of a CSV line. */
function pathIn(line: string): string {
  const [, quoted, plain = ''] = /^(?:"((?:[^"]|"")*)"|([^,\r\n]*))/.exec(line) ?? [];
  return quoted?.replaceAll('""', '"') ?? plain;
}

/** All directories above these files, sorted. */
function directoriesAbove(files: readonly PayloadPath[]): PayloadPath[] {
  const directories = new Set<PayloadPath>();
  for (const file of files) {
    for (let above = parentOf(file); !directories.has(above); above = parentOf(above)) directories.add(above);
  }
  return [...directories].sort();
}

/** The `.dist-info` directories in a directory. */
function informationIn(directory: StagedPath): string[] {
  const names = ifPossible(() => readdirSync(directory)) ?? [];
  return names.filter((name) => name.endsWith('.dist-info')).map((name) => join(directory, name));
}

/** Whether one of Python's installers installed a distribution. @throws the system's error */
function isOfInstaller(information: string): boolean {
  return installers.test(readRegular(join(information, 'INSTALLER'))?.content.toString() ?? '');
}

/** Matches the INSTALLER file of Python's installers, not of rpm or Debian's tools. */
const installers = /^(?:pip|uv|poetry|pdm)\b/i;
