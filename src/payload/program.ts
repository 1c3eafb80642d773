import { Readable } from 'node:stream';
import { execa } from 'execa';
import { exitSignal } from '../exit-signal.ts';
import { trustedPath } from '../files/program-path.ts';

/** The packages that contain the programs, as named in Debian. Other systems use the same or shorter names. */
const packages: Readonly<Record<string, string>> = {
  'dpkg-deb': 'dpkg',
  'dump.erofs': 'erofs-utils',
  'fsck.erofs': 'erofs-utils',
  rpm2archive: 'rpm',
  unsquashfs: 'squashfs-tools',
  xz: 'xz-utils',
};

/** A program that opens a package, an archive or an image is not installed. */
export class NotInstalled extends Error {
  readonly hint: string;

  constructor(program: string) {
    super(`${program} is not installed`);
    this.hint = `install ${packages[program] ?? program}`;
  }
}

/** What a program wrote, and why it failed, if it did. */
export interface Output {
  /** Byte by byte, as Latin-1. */
  readonly stdout: string;
  readonly stderr: string;
  readonly failure: Error | undefined;
}

/** Runs a program. @throws NotInstalled */
export async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Output> {
  const output = { stdin: 'ignore', encoding: 'latin1', stripFinalNewline: false } as const;
  const started = execa(command, args, { ...options(env), ...output });
  const { stdout, failed, code, shortMessage, ...child } = await started;
  if (code === 'ENOENT') throw new NotInstalled(command);
  const stderr = Buffer.from(child.stderr, 'latin1').toString();
  return { stdout, stderr, failure: failed ? new Error(lastLine(stderr) || shortMessage) : undefined };
}

/**
 * The standard output of a program, while it runs. The stream ends with an error if the program fails: the last line of
 * its standard error, or NotInstalled.
 */
export function outputOf(command: string, args: readonly string[], input?: Readable): Readable {
  return Readable.from(chunksOf(command, args, input));
}

async function* chunksOf(command: string, args: readonly string[], input?: Readable): AsyncGenerator<Buffer> {
  const source = input === undefined ? ({ stdin: 'ignore' } as const) : { input };
  const child = execa(command, args, { ...options(), ...source, buffer: { stdout: false } });
  for await (const chunk of child.stdout) yield chunk as Buffer;
  const { failed, code, stderr, shortMessage } = await child;
  if (code === 'ENOENT') throw new NotInstalled(command);
  if (failed) throw new Error(lastLine(stderr) || shortMessage);
}

function options(env: NodeJS.ProcessEnv = {}) {
  exitSignal();
  return { env: { ...env, PATH: trustedPath() }, reject: false } as const;
}

function lastLine(text: string): string | undefined {
  return text.trim().split('\n').at(-1);
}
