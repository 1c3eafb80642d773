/** `npm run test:node [-- 24]`: runs the unit tests on the releases of Node.js that pyclink supports besides this one. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { fetchNode } from './helpers/fetch-node.ts';
import { scriptCall } from './helpers/script-call.ts';

const releases = ['22', '24', '26'];
const checkout = join(import.meta.dirname, '..');

const { positionals: wanted } = scriptCall(import.meta.filename, {}, (word) => releases.includes(word), releases);
for (const release of releases.filter((name) => wanted.length === 0 || wanted.includes(name))) {
  const node = await fetchNode(release);
  const { version, passed, failed, skipped, log } = await testOn(node);
  if (failed > 0 || passed === 0) {
    process.stdout.write(log);
    process.exitCode = 1;
  }
  process.stdout.write(`node-${version}: ${passed} passed, ${failed} failed, ${skipped} skipped\n`);
}

interface Tested {
  readonly version: string;
  readonly passed: number;
  /** Files that cannot be loaded count too. */
  readonly failed: number;
  readonly skipped: number;
  readonly log: string;
}

/** What vitest's JSON reporter writes. */
interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly numPendingTests: number;
}

async function testOn(node: string): Promise<Tested> {
  const { stdout } = await execa(node, ['--version']);
  const directory = mkdtempSync(join(tmpdir(), 'pyclink-nodes-'));
  const file = join(directory, 'results.json');
  try {
    const vitest = join(checkout, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const { all } = await execa(node, [vitest, 'run', 'test/', ...reporters], {
      cwd: checkout,
      all: true,
      reject: false,
      stripFinalNewline: false,
    });
    const results: Partial<Results> = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
    const { numPassedTests = 0, numFailedTests = 0, numFailedTestSuites = 0, numPendingTests = 0 } = results;
    return {
      version: stdout.slice(1),
      passed: numPassedTests,
      failed: Math.max(numFailedTests, numFailedTestSuites),
      skipped: numPendingTests,
      log: all,
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
