import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { describe, expect, it } from 'vitest';
import { describeWith, missingTools } from '../../integration/helpers/tools.ts';
import { openTree } from '../../src/buildroot/open.ts';
import { interpreterCandidates, supportedPythons } from '../../src/compile/interpreter-candidates.ts';
import { plant, plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const program = { content: '#!/bin/sh\n', mode: 0o755 };

/** A directory of programs outside the buildroot. */
function programs(...names: string[]): string {
  const directory = temporaryDirectory();
  plant(directory, Object.fromEntries(names.map((name) => [name, program])));
  return directory;
}

const request = { command: 'pyclink-test-python' };

describe('interpreterCandidates', () => {
  it('are never names inside the buildroot, wherever they lead', () => {
    const outside = join(programs(request.command), request.command);
    const buildroot = plantBuildroot({ 'venv/bin/pyclink-test-python': { symlink: outside } });
    const inside = join(buildroot, 'venv/bin/pyclink-test-python');
    expect(interpreterCandidates(openTree(buildroot), { command: inside }, '')).toEqual([]);
    expect(interpreterCandidates(openTree(buildroot), request, join(buildroot, 'venv/bin'))).toEqual([]);
  });

  it('come from PATH in its order, each once', () => {
    const [first, second] = [programs(request.command), programs(request.command)];
    const path = [second, first, '/nonexistent', second].join(':');
    expect(interpreterCandidates(openTree(plantBuildroot({})), request, path)).toEqual([
      join(second, request.command),
      join(first, request.command),
    ]);
  });

  it('come from /usr/bin before PATH', () => {
    const shims = programs('python3');
    expect(interpreterCandidates(openTree(plantBuildroot({})), { command: 'python3' }, shims)).toEqual([
      '/usr/bin/python3',
      join(shims, 'python3'),
    ]);
  });

  it("come from the virtual environment's home first", () => {
    const [home, shims] = [programs('python3'), programs('python3')];
    expect(interpreterCandidates(openTree(plantBuildroot({})), { command: 'python3', home }, shims)).toEqual([
      join(home, 'python3'),
      '/usr/bin/python3',
      join(shims, 'python3'),
    ]);
  });

  it('are just the program that was named by its path', () => {
    const directory = programs('my-python');
    const named = { command: join(directory, 'my-python') };
    expect(interpreterCandidates(openTree(plantBuildroot({})), named, directory)).toEqual([named.command]);
  });

  it('are empty if there is no such program', () => {
    const directory = temporaryDirectory();
    plant(directory, {
      [`directory/${request.command}`]: { directory: true },
      [`not-executable/${request.command}`]: { content: '', mode: 0o644 },
      [`dangling/${request.command}`]: { symlink: 'nothing' },
    });
    const path = ['directory', 'not-executable', 'dangling'].map((name) => join(directory, name)).join(':');
    expect(interpreterCandidates(openTree(plantBuildroot({})), request, path)).toEqual([]);
  });

  it('never come from a relative or empty entry of PATH', () => {
    expect(interpreterCandidates(openTree(plantBuildroot({})), { command: 'package.json' }, '.::')).toEqual([]);
  });

  it('never come from inside the buildroot, whatever path leads there', () => {
    const buildroot = openTree(plantBuildroot({ [`usr/bin/${request.command}`]: program }));
    const inside = join(buildroot.path, 'usr/bin');
    const outside = temporaryDirectory();
    symlinkSync(inside, join(outside, 'bin'));
    symlinkSync(join(inside, request.command), join(outside, request.command));
    const path = [inside, join(outside, 'bin'), outside].join(':');
    expect(interpreterCandidates(buildroot, request, path)).toEqual([]);
    expect(interpreterCandidates(buildroot, { ...request, home: inside }, '')).toEqual([]);
    expect(interpreterCandidates(buildroot, { command: join(inside, request.command) }, '')).toEqual([]);
  });

  it('come from inside the buildroot where somebody named one there', () => {
    const buildroot = openTree(plantBuildroot({ [`usr/bin/${request.command}`]: program }));
    const command = join(buildroot.path, 'usr/bin', request.command);
    expect(interpreterCandidates(buildroot, { command, mayBeStaged: true }, '')).toEqual([command]);
  });
});

describe('supportedPythons', () => {
  const defaults = '[DEFAULT]\n# supported-versions = python3.1\nsupported-versions = python3.12, python3.13\n';

  it.each([
    ['what Debian lists', {}, defaults, ['python3.12', 'python3.13']],
    ['what the environment lists', { DEBPYTHON3_SUPPORTED: '3.9,3.11' }, defaults, ['python3.9', 'python3.11']],
    ['python3 where nobody lists any', {}, '', ['python3']],
  ])('are %s', (_, environment, content, commands) => {
    const directory = temporaryDirectory();
    plant(directory, { debian_defaults: content });
    expect(commandsOf(supportedPythons(environment, join(directory, 'debian_defaults')))).toEqual(commands);
  });

  it('are python3 where there is no Debian', () => {
    expect(commandsOf(supportedPythons({}, '/nonexistent'))).toEqual(['python3']);
  });
});

describeWith(missingTools('py3versions'), "Debian's own answer", () => {
  it('is what we read', () => {
    const said = execaSync('/usr/bin/py3versions', ['-s']).stdout.split(' ');
    expect(commandsOf(supportedPythons({})).toSorted()).toEqual(said.toSorted());
  });
});

function commandsOf(requests: readonly { readonly command: string }[]): string[] {
  return requests.map(({ command }) => command);
}
