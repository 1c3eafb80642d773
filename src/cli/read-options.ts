import { type Command, InvalidArgumentError } from 'commander';
import { defaultReadLimits } from '../payload/budget.ts';
import type { ReadOptions } from '../payload/targets.ts';
import {
  absoluteDirectory,
  flagOf,
  once,
  readValues,
  sizeInBytes,
  text,
  timeInSeconds,
  type ValuesOf,
} from '../pipeline/option-values.ts';

const count = text('takes a number', (given) => /^\d{1,15}$/.test(given));
const table = {
  platform: {
    read: once(text('takes OS/ARCHITECTURE, such as linux/arm64', (given) => /^[^/]+\/[^/]+(?:\/[^/]+)?$/.test(given))),
  },
  maxEntries: { read: once((given) => Number(count(given)), defaultReadLimits.maxEntries) },
  maxSize: { read: once(sizeInBytes, defaultReadLimits.maxBytes) },
  maxFileSize: { read: once(sizeInBytes, defaultReadLimits.maxFileBytes) },
};

/** Adds the options of commands that read payloads. */
export function withReadOptions(command: Command): Command {
  const { maxEntries, maxBytes, maxFileBytes } = defaultReadLimits;
  const sizes = `bytes, or with K, M, G or T (default: ${maxBytes / 2 ** 30}G)`;
  return command
    .option('--platform <platform>', 'platform of an image: OS/ARCHITECTURE (default: this machine)')
    .option('--max-entries <n>', `maximum number of entries in an archive (default: ${maxEntries})`)
    .option('--max-size <size>', `maximum unpacked size of an archive: ${sizes}`)
    .option('--max-file-size <size>', `maximum size of a pyc or source to read (default: ${maxFileBytes / 2 ** 20}M)`);
}

/** Reads these options. @throws InvalidArgumentError, naming every problem */
export function readOptionsOf(flags: object): ReadOptions {
  const { platform, maxEntries, maxSize, maxFileSize } = valuesOf(table, flags);
  return { platform, limits: { maxEntries, maxBytes: maxSize, maxFileBytes: maxFileSize } };
}

/** Adds the option for the directory where a tree will be installed. */
export function withPrepend(command: Command, ifAbsent = '/'): Command {
  return command.option('-p, --prepend <dir>', `where the tree will be installed, as for build (default: ${ifAbsent})`);
}

/** Reads `--prepend`; undefined if it is not given. @throws InvalidArgumentError */
export function readPrepend({ prepend }: { readonly prepend?: string | undefined }): string | undefined {
  return valuesOf({ prepend: { read: once(absoluteDirectory) } }, { prepend }).prepend;
}

/** Reads `--jobs` of audit; undefined if it is not given, or 0. @throws InvalidArgumentError */
export function readJobs(jobs: string | undefined): number | undefined {
  return Number(valuesOf({ jobs: { read: once(count) } }, { jobs }).jobs ?? 0) || undefined;
}

/** Reads `--mtime` of restamp. @returns seconds since 1970 @throws InvalidArgumentError */
export function readMtime(mtime: string): number {
  return valuesOf({ mtime: { read: once(timeInSeconds, 0) } }, { mtime }).mtime;
}

function valuesOf<R extends Parameters<typeof readValues>[0]>(table: R, flags: object): ValuesOf<R> {
  const problems: string[] = [];
  const values = readValues(table, flags, flagOf, problems);
  if (problems.length > 0) throw new InvalidArgumentError(problems.join('; '));
  return values;
}
