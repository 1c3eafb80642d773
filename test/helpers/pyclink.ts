import { join } from 'node:path';
import { execa } from 'execa';

/** The bundle that the tests run. */
export const bundle = join(import.meta.dirname, '../../dist/pyclink.cjs');

export interface Ran {
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Added to a plain environment: PATH, HOME and nothing else. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Another copy of the bundle than the checkout's. */
  readonly bundle?: string;
  readonly uid?: number;
}

/** Runs pyclink as a user would: the bundle, or the executable that PYCLINK_EXECUTABLE names. */
export async function pyclink(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const executable = options.bundle === undefined ? process.env['PYCLINK_EXECUTABLE'] : undefined;
  const words = executable === undefined ? [options.bundle ?? bundle, ...args] : args;
  const { exitCode, stdout, stderr } = await execa(executable ?? process.execPath, words, {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...options.env },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    stripFinalNewline: false,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
  });
  return { status: exitCode, stdout, stderr };
}
