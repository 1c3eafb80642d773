import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { describe } from 'vitest';

/**
 * `describe` for what needs system tools. Without one of them it says so in its name and is skipped; in a CI it runs
 * and fails.
 * @param what what is missing, if anything: see `missingTools` and `missingRoot`
 */
export function describeWith(what: readonly string[], name: string, tests: () => void): void {
  const skip = what.length > 0 && process.env['CI'] !== 'true';
  describe.skipIf(skip)(skip ? `${name}: SKIPPED, no ${what.join(', ')}: run integration/setup` : name, tests);
}

/** Which of these programs do not start. */
export function missingTools(...tools: readonly string[]): string[] {
  return tools.filter((tool) => execaSync(tool, ['--help'], { reject: false, stdio: 'ignore' }).code === 'ENOENT');
}

/** Only root may make and enter a chroot. */
export function missingRoot(): string[] {
  return process.getuid?.() === 0 ? [] : ['root'];
}

/**
 * `describe` for what a machine may not allow, whatever is installed: where it does not, the tests are skipped, and
 * their name says so.
 * @param lacking see `lackingAbilities`
 */
export function describeWhere(lacking: readonly string[], name: string, tests: () => void): void {
  const skip = lacking.length > 0;
  describe.skipIf(skip)(skip ? `${name}: SKIPPED, this machine has no ${lacking.join(', ')}` : name, tests);
}

type Ability = 'mounts' | 'loop devices' | 'FUSE' | 'immutable files' | 'namespaces';

const abilities: Readonly<Record<Ability, (file: string) => boolean>> = {
  mounts: (file) => works('mount', '--bind', file, file) && works('umount', file),
  'loop devices': () => works('losetup', '--find'),
  FUSE: () => works('test', '-w', '/dev/fuse'),
  'immutable files': (file) => works('chattr', '+i', file) && works('chattr', '-i', file),
  // What bubblewrap and the sandbox of Nix need.
  namespaces: () => {
    const asUser = missingRoot().length > 0 ? ['--map-root-user'] : [];
    return works('unshare', ...asUser, '--mount', '--pid', '--net', '--fork', '--mount-proc', 'true');
  },
};

/** Which of these the machine does not allow. */
export function lackingAbilities(...wanted: readonly Ability[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'pyclink-abilities-'));
  const file = join(directory, 'file');
  writeFileSync(file, '');
  try {
    return wanted.filter((ability) => !abilities[ability](file));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function works(command: string, ...args: readonly string[]): boolean {
  return execaSync(command, args, { reject: false, stdio: 'ignore' }).exitCode === 0;
}
