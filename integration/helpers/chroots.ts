import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the test files of a run have their chroots, and the base systems that they share. */
    chroots: string;
  }
}

/** Gives the tests of a run that directory, and removes it after them. */
export default function chroots({ provide }: TestProject): () => void {
  const directory = mkdtempSync(join(tmpdir(), 'pyclink-chroots-'));
  // apt downloads as a user of its own.
  chmodSync(directory, 0o755);
  provide('chroots', directory);
  return () => rmSync(directory, { recursive: true, force: true });
}
