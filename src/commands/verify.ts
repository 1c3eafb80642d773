import { resolve } from 'node:path';
import { openTree } from '../buildroot/open.ts';
import { exitStatus } from '../errors.ts';
import { recordsOf } from '../manifest/encode.ts';
import { readManifest } from '../manifest/file.ts';
import { findingsText } from '../report/findings.ts';
import { check } from '../verify/check.ts';
import { wantedFor } from '../verify/payload.ts';
import { readTree } from '../verify/tree.ts';
import type { CommandResult } from './result.ts';

export interface VerifyOptions {
  readonly manifest: string;
  /** A directory that holds the payload: a buildroot, or the root of an installed system. */
  readonly target: string;
}

/** `pyclink verify`: holds what a payload records against the manifest. @throws PyclinkError */
export function verifyCommand(options: VerifyOptions): CommandResult {
  const manifest = readManifest(options.manifest);
  const records = recordsOf(manifest);
  const magicNumbers = manifest.interpreters.map(({ magicNumber }) => magicNumber);
  const payload = readTree(openTree(resolve(options.target)), wantedFor(records, magicNumbers));
  const findings = check(records, payload);
  const { pycs, linkGroups } = manifest.totals;
  return {
    status: findings.length === 0 ? exitStatus.done : exitStatus.problems,
    text: findingsText(findings, pycs, linkGroups),
    data: { pycs, linkGroups, findings },
  };
}
