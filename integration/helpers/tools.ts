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
