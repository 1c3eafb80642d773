import { readFileSync } from 'node:fs';
import { arch } from 'node:os';
import type { Interpreter } from '../compile/interpreter.ts';
import type { CompilerFacts, CompilerFile } from '../compile/protocol.ts';
import { workerTexts } from '../compile/worker-command.ts';
import type { PayloadPath } from '../files/path.ts';
import { type FileStat, statIfAny, wholeSeconds } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';
import { normalFormVersion } from '../marshal/normal-form.ts';
import { parsePycHeader, staleReason } from '../pyc/header.ts';
import { parsePycPath } from '../pyc/name.ts';
import { releaseOf } from '../pyc/releases.ts';
import { sha256Of } from '../sha256.ts';
import { type CompilerDigest, digestOfFields } from './key.ts';

/** A file as it was when it was examined. */
interface SeenFile {
  readonly path: string;
  readonly stat: FileStat;
  /** Size, device, inode and times: they change when the file is replaced or written to. */
  readonly identity: string;
}

/** The SHA-256 of files, by their identities. */
const known = new Map<string, string>();

/**
 * A digest of everything that determines what an interpreter compiles from a source: the contents of its files,
 * pyclink's Python files, how the interpreter was started, and the CPU features that affect maths functions. The magic
 * number alone is not enough: 3.11.2 and 3.11.7 share it, but compile some sources to different code.
 * Examines the files now, and reads them when the digest is needed. There is no digest if a file changed in between or
 * since the interpreter reported it, or if the interpreter could not report its files.
 */
export function compilerDigest(interpreter: Interpreter, { started, files }: CompilerFacts): CompilerDigest {
  const seen = orUndefined(() => new Map(files.flatMap(seeAsTold).map((file) => [file.path, file])));
  let answer: { readonly digest: string | undefined } | undefined;
  return () => {
    answer ??= { digest: seen?.size ? orUndefined(() => digestOf(interpreter, started, seen)) : undefined };
    return answer.digest;
  };
}

/** @throws if a file cannot be read, or has changed since it was examined */
function digestOf(
  { implementation, version, cacheTag, magicNumber }: Interpreter,
  started: string,
  seen: ReadonlyMap<string, SeenFile>,
): string {
  const unread = new Set<SeenFile>();
  const pycs = [...seen.values()].filter(({ path }) => path.endsWith('.pyc'));
  const digests = pycs.flatMap((pyc) => pycDigest(pyc, magicNumber, seen, unread));
  for (const file of seen.values()) if (!pycs.includes(file) && !unread.has(file)) digests.push(fileDigest(file));
  // A worker that was started from its text has no file.
  const all = new Set([...digests, ...workerTexts().map(sha256Of)]);
  return digestOfFields([
    `pyclink normal form ${normalFormVersion}`,
    ...[implementation, version, cacheTag, `${magicNumber}`, started, processor()],
    ...[...all].sort(),
  ]);
}

function orUndefined<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** Examines a file. A module need not have a pyc. @throws if it is not the file that the interpreter reported */
function seeAsTold({ path, identity }: CompilerFile): SeenFile[] {
  const seen = see(path);
  if (identity !== '' && !seen?.identity.startsWith(`${identity} `)) throw new Error('changed');
  return seen === undefined ? [] : [seen];
}

function see(path: string): SeenFile | undefined {
  const stat = statIfAny(path);
  return stat && { path, stat, identity: `${stat.sizeBytes} ${stat.identity} ${stat.modifiedNs} ${stat.changedNs}` };
}

/** @throws if it cannot be read, or was changed since it was seen */
function contentOf({ path, identity }: SeenFile): Buffer {
  const content = readFileSync(path);
  if (see(path)?.identity !== identity) throw new Error('changed');
  return content;
}

/** The SHA-256 of a file. @throws if it cannot be read, or has changed since it was examined */
function fileDigest(file: SeenFile): string {
  return getOrAdd(known, file.identity, () => sha256Of(contentOf(file)));
}

/**
 * The SHA-256 of the code in a pyc that the interpreter loads instead of its module; none if it certainly does not load
 * it.
 * @param unread gets the module, if the interpreter certainly loads the pyc
 * @throws if it cannot be read, or has changed since it was examined
 */
function pycDigest(
  file: SeenFile,
  magicNumber: number,
  seen: ReadonlyMap<string, SeenFile>,
  unread: Set<SeenFile>,
): string[] {
  const pyc = contentOf(file);
  const header = parsePycHeader(pyc);
  if ('unreadable' in header) return [];
  const module = seen.get(parsePycPath(file.path as PayloadPath)?.source ?? '');
  if (module !== undefined && header.invalidationMode === 'timestamp') {
    const { sizeBytes, modifiedNs } = module.stat;
    const facts = { sizeBytes, mtimeSeconds: wholeSeconds(modifiedNs), hash: () => '' };
    if (staleReason(header, facts) !== undefined) return [];
    if (header.magicNumber === magicNumber) unread.add(module);
  }
  return [sha256Of(pyc.subarray(releaseOf(header.magicNumber).headerSizeBytes))];
}

/** The CPU features that decide which maths functions are used. The compiler folds constants with these functions. */
function processor(): string {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  return [arch(), ...['fma', 'fma4', 'avx2'].filter((flag) => flags.includes(flag))].join(' ');
}
