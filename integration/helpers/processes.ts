import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { bundle } from '../../test/helpers/pyclink.ts';

/** The workers of the pyclink that was called with this argument. */
export function workersOf(argument: string): number[] {
  const processes = runningProcesses();
  const callers = processes.filter(({ args }) => args.includes(argument)).map(({ pid }) => pid);
  return processes
    .filter(({ parent, args }) => callers.includes(parent) && args.some((arg) => arg.endsWith('/worker.py')))
    .map(({ pid }) => pid);
}

/** Asks again and again until there is an answer. @throws after a minute */
export async function until<T>(what: string, ask: () => T | undefined): Promise<T> {
  const giveUp = Date.now() + 60_000;
  for (;;) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (Date.now() > giveUp) throw new Error(`waited in vain for ${what}`);
    await sleep(5);
  }
}

/** Waits until a process has ended, be it that its parent has noticed or not. */
export async function endOf(pid: number): Promise<void> {
  await until('the end of a process', () => {
    try {
      return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')) || undefined;
    } catch {
      return true;
    }
  });
}

/** How much processor time a process has had. */
export function cpuSecondsOf(pid: number): number {
  const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticksASecond = 100;
  return (Number(afterName[11]) + Number(afterName[12])) / ticksASecond;
}

function runningProcesses() {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
      const parent = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]);
      return [{ pid: Number(name), parent, args }];
    } catch {
      return []; // It has just ended.
    }
  });
}

/** Runs pyclink. @returns how many threads its main process had at most */
export async function threadsOf(args: readonly string[]): Promise<number> {
  const running = execa(process.execPath, [bundle, ...args], { reject: false });
  let most = 0;
  while (running.exitCode === null) {
    try {
      most = Math.max(most, readdirSync(`/proc/${running.pid}/task`).length);
    } catch {
      // It has just ended.
    }
    await sleep(5);
  }
  await running;
  return most;
}
