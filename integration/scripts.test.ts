/** The npm scripts that run a program of the checkout answer --help, and a call that they do not understand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';

const checkout = join(import.meta.dirname, '..');
const { scripts } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const programs = Object.entries(scripts).flatMap(([name, command]) => {
  const program = /tsx (\S+)$/.exec(command)?.[1];
  return program === undefined ? [] : [{ name, program }];
});

describe.each(programs)('npm run $name', ({ name, program }) => {
  const call = (...args: string[]) =>
    execa('tsx', [program, ...args], { cwd: checkout, preferLocal: true, reject: false });

  it('prints its usage for --help', async () => {
    const { exitCode, stdout, stderr } = await call('--help');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain(`npm run ${name}`);
    expect(stdout).not.toMatch(/[*]\/|^ ?[*]/m);
  });

  it('prints its usage for an unknown option', async () => {
    const { exitCode, stdout, stderr } = await call('--no-such-option');
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^Unknown option '--no-such-option'/);
    expect(stderr).toContain(`npm run ${name}`);
    expect(stderr).not.toContain('    at ');
  });
});
