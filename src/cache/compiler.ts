import { readFileSync } from 'node:fs';
import { arch } from 'node:os';
import type { Interpreter } from '../compile/interpreter.ts';
import type { CompilerFacts } from '../compile/protocol.ts';
import { workerTexts } from '../compile/worker-command.ts';
import { stat } from '../files/stat.ts';
import { normalFormVersion } from '../marshal/normal-form.ts';
import { sha256Of } from '../sha256.ts';
import { type CompilerDigest, digestOfFields } from './key.ts';

/** A file as it was when it was looked at. */
interface SeenFile {
  readonly path: string;
  /** Identity, size and times: a file that is replaced or written to has others. */
  readonly version: string;
}

/** The SHA-256 of files, by their versions. */
const known = new Map<string, string>();

/**
 * A digest of everything that decides what an interpreter's compiler gives for a source: the contents of its files,
 * pyclink's Python files among them, how it was started, and what the mathematical library makes of this processor.
 * The magic number alone is not enough: 3.11.2 and 3.11.7 have the same, and compile some sources to different code.
 *
 * The files are looked at now, and read when the digest is needed: there is none if one was changed in between.
 */
export function compilerDigest(interpreter: Interpreter, { flags, files }: CompilerFacts): CompilerDigest {
  const seen = ifReadable(() => files.map(see));
  let answer: { readonly digest: string | undefined } | undefined;
  return () => {
    answer ??= { digest: seen && ifReadable(() => digestOf(interpreter, flags, seen.map(fileDigest))) };
    return answer.digest;
  };
}

function digestOf(
  { implementation, version, cacheTag, magicNumber }: Interpreter,
  flags: string,
  digests: readonly string[],
): string {
  // A worker that was started with its text has no file for it.
  const all = new Set([...digests, ...workerTexts().map(sha256Of)]);
  return digestOfFields([
    `pyclink normal form ${normalFormVersion}`,
    ...[implementation, version, cacheTag, `${magicNumber}`, flags, processor()],
    ...[...all].sort(),
  ]);
}

function ifReadable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** @throws the system's error */
function see(path: string): SeenFile {
  const { identity, sizeBytes, modifiedNs, changedNs } = stat(path);
  return { path, version: [identity, sizeBytes, modifiedNs, changedNs].join() };
}

/** The SHA-256 of a file. @throws if it cannot be read, or was changed since it was seen */
function fileDigest({ path, version }: SeenFile): string {
  const digest = known.get(version) ?? sha256Of(readFileSync(path));
  if (see(path).version !== version) throw new Error('changed');
  known.set(version, digest);
  return digest;
}

/** What libm chooses its functions by. The compiler folds constants with them. */
function processor(): string {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  return [arch(), ...['fma', 'fma4', 'avx2'].filter((flag) => flags.includes(flag))].join(' ');
}
