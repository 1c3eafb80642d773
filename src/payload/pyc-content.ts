import { sha256Of } from '../links/fingerprint.ts';
import { damageOf } from '../marshal/damage.ts';
import { normalizePyc } from '../marshal/normalize-pyc.ts';
import { recordedPathOf } from '../marshal/recorded-path.ts';
import { parsePycHeader } from '../pyc/header.ts';
import { type CodeLayout, codeLayoutOf } from '../pyc/releases.ts';
import type { PycContent } from './entry.ts';

/** Reads the bytes of a pyc. @param inDepth more than is needed to compare it with a manifest */
export function pycContentOf(pyc: Buffer, inDepth = false): PycContent {
  const sha256 = sha256Of(pyc);
  const header = parsePycHeader(pyc);
  const layout = 'unreadable' in header ? undefined : codeLayoutOf(header.magicNumber);
  const damage = layout && damageOf(pyc, layout);
  if (damage !== undefined) return { sha256, header, damage };
  return { sha256, header, ...(inDepth && layout !== undefined ? depthOf(pyc, layout) : {}) };
}

function depthOf(pyc: Buffer, layout: CodeLayout): Pick<PycContent, 'recordedPath' | 'isNormal'> {
  const recordedPath = recordedPathOf(pyc, layout);
  const normal = normalizePyc(pyc);
  return {
    ...(recordedPath === undefined ? {} : { recordedPath }),
    ...('unreadable' in normal ? {} : { isNormal: normal === pyc }),
  };
}
