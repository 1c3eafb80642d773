import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { openTree } from '../buildroot/open.ts';
import { errnoOf, exitStatus, PyclinkError } from '../errors.ts';
import { recordsOf } from '../manifest/encode.ts';
import { readManifest } from '../manifest/read.ts';
import { readArchives } from '../payload/archive.ts';
import { type PayloadEntry, payloadOf, type Wanted, wantedFor } from '../payload/entry.ts';
import { readRpms } from '../payload/rpm.ts';
import { readTree } from '../payload/tree.ts';
import { findingsText } from '../report/findings.ts';
import { check, inOrder } from '../verify/check.ts';
import { findStrays } from '../verify/strays.ts';
import type { CommandResult } from './result.ts';

export interface VerifyOptions {
  readonly manifest: string;
  /** A directory that holds the payload, or the packages of a build. */
  readonly targets: readonly string[];
}

/** `pyclink verify`: checks a payload against a manifest. @throws PyclinkError */
export async function verifyCommand(options: VerifyOptions): Promise<CommandResult> {
  const manifest = readManifest(options.manifest);
  const records = recordsOf(manifest);
  const magicNumbers = manifest.interpreters.map(({ magicNumber }) => magicNumber);
  const cacheTags = manifest.interpreters.map(({ cacheTag }) => cacheTag);
  const wanted = { ...wantedFor(records, magicNumbers), others: !isRunningSystem(options.targets) };
  const payload = payloadOf(await readTargets(options.targets, wanted));
  const findings = inOrder([...check(records, payload), ...findStrays(records, cacheTags, payload)]);
  const { pycs, linkGroups } = manifest.totals;
  return {
    status: findings.length === 0 ? exitStatus.done : exitStatus.problems,
    text: findingsText(findings, pycs, linkGroups),
    data: { pycs, linkGroups, findings },
  };
}

/** On a running system, pycs that are not in the manifest belong to other packages. */
function isRunningSystem([target = '', ...others]: readonly string[]): boolean {
  return others.length === 0 && resolve(target) === '/';
}

async function readTargets(targets: readonly string[], wanted: Wanted): Promise<PayloadEntry[]> {
  const directories = targets.filter(isDirectory);
  if (directories.length > 0 && targets.length > 1) {
    throw new PyclinkError('usage', 'a directory must be the only target', { path: directories[0] });
  }
  const [directory] = directories;
  if (directory !== undefined) return readTree(openTree(resolve(directory)), wanted);
  const isRpm = (target: string) => target.endsWith('.rpm');
  return [
    ...(await readRpms(targets.filter(isRpm), wanted)),
    ...(await readArchives(
      targets.filter((target) => !isRpm(target)),
      wanted,
    )),
  ];
}

function isDirectory(target: string): boolean {
  try {
    return statSync(target).isDirectory();
  } catch (error) {
    throw new PyclinkError('usage', `cannot be opened (${errnoOf(error)})`, { path: target, cause: error });
  }
}
