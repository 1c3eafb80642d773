import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

/** The cost of one run of a command. */
export interface Measured {
  readonly wallSeconds: number;
  readonly userSeconds: number;
  readonly systemSeconds: number;
  /** The peak of the largest process of the command. */
  readonly peakBytes: number;
  /** CPU time of the command's main thread; NaN if it does not tell. */
  readonly mainSeconds: number;
}

/** A command line with its environment. */
export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs a command under GNU time. @throws if it does not end with status 0 */
export async function measure({ argv, environment = {} }: Command): Promise<Measured> {
  const file = join(tmpdir(), `pyclink-bench-time-${process.pid}`);
  const probe = `${file}-probe`;
  // Flush what earlier runs wrote, so that this run does not pay for it.
  await execa('sync');
  const started = performance.now();
  await execa('/usr/bin/time', ['-f', '%U %S %M', '-o', file, ...argv], {
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', PYTHONHASHSEED: '0', BENCH_PROBE: probe, ...environment },
    extendEnv: false,
    stdin: 'ignore',
    stdout: 'ignore',
  });
  const wallSeconds = (performance.now() - started) / 1000;
  const [user = 0, system = 0, peakKibibytes = 0] = readFileSync(file, 'utf8').trim().split(' ').map(Number);
  const mainSeconds = existsSync(probe) ? Number(readFileSync(probe, 'utf8')) / 1e9 : Number.NaN;
  for (const each of [file, probe]) rmSync(each, { force: true });
  return { wallSeconds, userSeconds: user, systemSeconds: system, peakBytes: peakKibibytes * 1024, mainSeconds };
}
