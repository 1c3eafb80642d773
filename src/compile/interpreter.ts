import type { ExpectedInterpreter } from '../buildroot/python-directory.ts';

/** An interpreter, as it described itself at start. */
export interface Interpreter {
  readonly executable: string;
  /** The root directory of its chroot, if it is not in the running system. */
  readonly root?: string;
  readonly implementation: string;
  /** `3.11.2` */
  readonly version: string;
  /** `cpython-311` */
  readonly cacheTag: string;
  readonly magicNumber: number;
  readonly freeThreaded: boolean;
}

const oldestMinor = 6;

/** Why an interpreter is not the expected one; undefined if it is. */
export function mismatchReason(interpreter: Interpreter, expected: ExpectedInterpreter): string | undefined {
  const { implementation, version, freeThreaded } = interpreter;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major !== 3 || minor < oldestMinor) return `is Python ${version}; 3.${oldestMinor} is the oldest supported`;
  if (expected.implementation !== undefined && expected.implementation !== implementation)
    return `is ${implementation}`;
  if (expected.version !== undefined && expected.version !== `${major}.${minor}`) return `is Python ${version}`;
  if (expected.freeThreaded !== undefined && expected.freeThreaded !== freeThreaded) {
    return freeThreaded ? 'is a free-threaded build' : 'is not a free-threaded build';
  }
  return undefined;
}
