/** The shells themselves complete a command line with what the packages install. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, expect, it } from 'vitest';
import { describeWith, missingTools } from './helpers/tools.ts';
import { stage } from './stage.ts';

const places = {
  bash: 'usr/share/bash-completion/completions/pyclink',
  zsh: 'usr/share/zsh/site-functions/_pyclink',
  fish: 'usr/share/fish/vendor_completions.d/pyclink.fish',
} as const;

/** What is typed, with a tab where the shell is asked to complete, and what pyclink is then called with. */
const lines: Readonly<Record<string, string>> = {
  'pyclink ver\t': 'verify',
  'pyclink build --invalidation-mode che\t': 'build --invalidation-mode checked-hash',
  'pyclink build --errors w\t -o 2 --no-n\t': 'build --errors warn -o 2 --no-normalize',
  'pyclink build --errors=w\t': 'build --errors=warn',
  'pyclink relink --manifest my\t': 'relink --manifest my-manifest.json',
  'pyclink inspect my\t': 'inspect my-manifest.json',
  'pyclink help in\t': 'help inspect',
  'pyclink cache tr\t': 'cache trim',
  'pyclink audit --format sa\t': 'audit --format sarif',
};

describeWith(missingTools('bash', 'zsh', 'fish'), 'completions', () => {
  let staged: string;
  let work: string;

  beforeAll(() => {
    staged = mkdtempSync(join(tmpdir(), 'pyclink-completions-'));
    stage(staged);
    work = join(staged, 'usr/share/doc');
    writeFileSync(join(work, 'my-manifest.json'), '{}');
    return () => rmSync(staged, { recursive: true, force: true });
  });

  const run = async (...command: string[]) => {
    const [program = '', ...args] = command;
    const env = { PATH: process.env['PATH'] ?? '', HOME: work, LC_ALL: 'C.UTF-8', TERM: 'dumb' };
    return (await execa(program, args, { cwd: work, env, extendEnv: false, timeout: 30_000 })).stdout;
  };

  it.each(Object.entries(places))('%s finds no fault with its file', async (shell, place) => {
    expect(await run(shell, '-n', join(staged, place))).toBe('');
  });

  it.each(Object.entries(lines))('bash and zsh make of %j %j', async (line, expected) => {
    const typeLine = (setup: string, ...shell: string[]) =>
      run('zsh', '-f', join(import.meta.dirname, 'helpers/type-line.zsh'), setup, line, ...shell);
    const inBash = `source ${join(staged, places.bash)}`;
    const inZsh = `fpath=(${join(staged, places.zsh, '..')} $fpath); autoload -U compinit; compinit -u -D`;
    expect(await typeLine(inBash, 'bash', '--norc', '--noprofile', '-i')).toBe(expected);
    expect(await typeLine(inZsh, 'zsh', '-f', '-i')).toBe(expected);
  });

  it.each([
    ['pyclink ver', ['verify']],
    ['pyclink build --inv', ['--invalidation-mode']],
    ['pyclink build --errors ', ['fail', 'warn']],
    ['pyclink build --errors=w', ['--errors=warn']],
    ['pyclink relink --manifest my', ['my-manifest.json']],
    ['pyclink relink ', []],
    ['pyclink inspect my', ['my-manifest.json']],
    ['pyclink help re', ['relink', 'restamp']],
    ['pyclink cache c', ['check', 'clear']],
  ])('fish offers for %j %j', async (line, expected) => {
    const script = `source ${join(staged, places.fish)}; complete --do-complete '${line}'`;
    const offers = (await run('fish', '--no-config', '--command', script)).split('\n').filter((offer) => offer !== '');
    expect(offers.map((offer) => offer.replace(/\t.*/, ''))).toEqual(expected);
  });
});
