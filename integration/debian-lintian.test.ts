import { execa } from 'execa';
import { expect, it } from 'vitest';
import { type BuiltPackages, buildPackages, debianTools, rules, rulesWithoutPyclink } from './helpers/debian.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const tag = 'package-installs-python-pycache-dir';

/** What lintian says of the packages, as `E python3-shop TAG` with the number of times, and its exit status. */
async function lintian({ debs }: BuiltPackages, ...more: string[]) {
  const args = ['--allow-root', '--fail-on', 'error', '--tag-display-limit', '0', ...more, ...Object.values(debs)];
  const { stdout, stderr, exitCode } = await execa('lintian', args, { reject: false });
  expect(stderr).toBe('');
  const hints = stdout.split('\n').flatMap((line) => {
    const [, severity, name, hint] = /^([EWOX]): (\S+): (\S+)/.exec(line) ?? [];
    return severity === undefined ? [] : `${severity} ${name} ${hint}`;
  });
  return { status: exitCode, hints: hints.sort() };
}

describeWith([...debianTools, ...missingTools('lintian')], 'lintian', () => {
  it('reports that pycs are shipped, which can be overridden, and nothing else about pyclink', async () => {
    const plain = await lintian(await buildPackages(rulesWithoutPyclink));
    const shipped = await lintian(await buildPackages(rules.addon));
    const override = '\noverride_dh_pyclink:\n\tdh_pyclink --lintian-overrides\n';
    const overridden = await buildPackages(rules.addon + override);

    const ofPyclink = (letter: string) => [
      ...[`${letter} python3-shop ${tag}`],
      ...[`${letter} shop-app ${tag}`, `${letter} shop-app ${tag}`],
    ];
    expect(plain.status).toBe(0);
    expect(shipped).toEqual({ status: 2, hints: [...ofPyclink('E'), ...plain.hints].sort() });
    expect(await lintian(overridden)).toEqual(plain);
    const { hints } = await lintian(overridden, '--show-overrides');
    expect(hints).toEqual([...ofPyclink('O'), ...plain.hints].sort());
  });
});
