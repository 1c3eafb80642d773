import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const cache = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'pyclink/nodes');
/** npm's packages of Node.js are one for each platform. */
const packageName = `node-${process.platform}-${process.arch}`;

/** The newest release of a line of Node.js when it was first asked for; it stays in the cache. */
export async function fetchNode(release: string): Promise<string> {
  const directory = join(cache, release);
  const node = join(directory, 'node_modules', packageName, 'bin/node');
  if (existsSync(node)) return node;
  mkdirSync(directory, { recursive: true });
  const flags = ['--prefix', directory, '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  await execa('npm', ['install', ...flags, `${packageName}@${release}`], { cwd: directory });
  return node;
}
