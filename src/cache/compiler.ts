import { readFileSync, statSync } from 'node:fs';
import { arch } from 'node:os';
import type { Interpreter } from '../compile/interpreter.ts';
import type { CompilerFacts } from '../compile/protocol.ts';
import { workerTexts } from '../compile/worker-command.ts';
import { normalFormVersion } from '../marshal/normal-form.ts';
import { sha256Of } from '../sha256.ts';
import { digestOfFields } from './key.ts';

/** Digests of files that were hashed already, by their identities. */
const known = new Map<string, string>();

/**
 * A digest of everything that decides what an interpreter's compiler gives for a source: the contents of its files,
 * pyclink's Python files among them, how it was started, and what the mathematical library makes of this processor.
 * The magic number alone is not enough: 3.11.2 and 3.11.7 have the same, and compile some sources to different code.
 * @returns gives it, and computes it when it is asked for the first time: the files are as they were now. It gives
 *   undefined if one cannot be read, or was changed meanwhile
 */
export function compilerDigest(interpreter: Interpreter, { flags, files }: CompilerFacts): () => string | undefined {
  const identities = ifReadable(() => files.map(identityOf));
  const digestsOf = (known: readonly string[]) => files.map((path, i) => fileDigest(path, known[i] as string));
  const compute = () => identities && ifReadable(() => digestOf(interpreter, flags, digestsOf(identities)));
  let digest: { readonly known: string | undefined } | undefined;
  return () => {
    digest ??= { known: compute() };
    return digest.known;
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

/** What changes when a file does. @throws the system's error */
function identityOf(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs, ctimeNs].join();
}

/** The SHA-256 of a file, computed once. @throws if it cannot be read, or is another one by now */
function fileDigest(path: string, identity: string): string {
  const digest = known.get(identity) ?? sha256Of(readFileSync(path));
  if (identityOf(path) !== identity) throw new Error('changed');
  known.set(identity, digest);
  return digest;
}

/** What libm chooses its functions by. The compiler folds constants with them. */
function processor(): string {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  return [arch(), ...['fma', 'fma4', 'avx2'].filter((flag) => flags.includes(flag))].join(' ');
}
