import { readFileSync, statSync } from 'node:fs';
import { arch } from 'node:os';
import type { Interpreter } from '../compile/interpreter.ts';
import type { CompilerFacts } from '../compile/protocol.ts';
import { workerTexts } from '../compile/worker-command.ts';
import { normalFormVersion } from '../marshal/normal-form.ts';
import { sha256Of } from '../sha256.ts';
import { digestOfFields } from './key.ts';

/** Digests of files that were hashed already, by what changes when a file does. */
const known = new Map<string, string>();

/**
 * A digest of everything that decides what an interpreter's compiler gives for a source: the contents of its files,
 * pyclink's Python files among them, how it was started, and what the mathematical library makes of this processor.
 * The magic number alone is not enough: 3.11.2 and 3.11.7 have the same, and compile some sources to different code.
 * @returns undefined if a file cannot be read
 */
export function compilerDigest(
  { implementation, version, cacheTag, magicNumber }: Interpreter,
  { flags, files }: CompilerFacts,
): string | undefined {
  try {
    // A worker that was started with its text has no file for it.
    const digests = new Set([...files.map(fileDigest), ...workerTexts().map(sha256Of)]);
    return digestOfFields([
      `pyclink normal form ${normalFormVersion}`,
      ...[implementation, version, cacheTag, `${magicNumber}`, flags, processor()],
      ...[...digests].sort(),
    ]);
  } catch {
    return undefined;
  }
}

/** The SHA-256 of a file, computed once. @throws the system's error */
function fileDigest(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const identity = [dev, ino, size, mtimeNs, ctimeNs].join();
  const digest = known.get(identity) ?? sha256Of(readFileSync(path));
  known.set(identity, digest);
  return digest;
}

/** What libm chooses its functions by. The compiler folds constants with them. */
function processor(): string {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  return [arch(), ...['fma', 'fma4', 'avx2'].filter((flag) => flags.includes(flag))].join(' ');
}
