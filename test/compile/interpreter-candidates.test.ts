import { chownSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { describe, expect, it } from 'vitest';
import { describeWith, missingTools } from '../../integration/helpers/tools.ts';
import { openTree } from '../../src/buildroot/open.ts';
import { chrootCandidates, interpreterCandidates, supportedPythons } from '../../src/compile/interpreter-candidates.ts';
import { plant, plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const program = { content: '#!/bin/sh\n', mode: 0o755 };

/** A directory of programs outside the buildroot. */
function programs(...names: string[]): string {
  const directory = temporaryDirectory();
  plant(directory, Object.fromEntries(names.map((name) => [name, program])));
  return directory;
}

/** The candidates of a user whom everybody trusts. */
function pathsOf(...words: Parameters<typeof interpreterCandidates>): string[] {
  return interpreterCandidates(...words).map((candidate) =>
    'path' in candidate ? candidate.path : candidate.distrusted,
  );
}

const request = { command: 'pyclink-test-python' };

describe('interpreterCandidates', () => {
  it('are never names inside the buildroot, wherever they lead', () => {
    const outside = join(programs(request.command), request.command);
    const buildroot = plantBuildroot({ 'venv/bin/pyclink-test-python': { symlink: outside } });
    const inside = join(buildroot, 'venv/bin/pyclink-test-python');
    expect(pathsOf(openTree(buildroot), { command: inside }, '')).toEqual([]);
    expect(pathsOf(openTree(buildroot), request, join(buildroot, 'venv/bin'))).toEqual([]);
  });

  it('come from PATH in its order, each once', () => {
    const [first, second] = [programs(request.command), programs(request.command)];
    const path = [second, first, '/nonexistent', second].join(':');
    expect(pathsOf(openTree(plantBuildroot({})), request, path)).toEqual([
      join(second, request.command),
      join(first, request.command),
    ]);
  });

  it('come from /usr/bin before PATH', () => {
    const shims = programs('python3');
    expect(pathsOf(openTree(plantBuildroot({})), { command: 'python3' }, shims)).toEqual([
      '/usr/bin/python3',
      join(shims, 'python3'),
    ]);
  });

  it("come from the virtual environment's home first", () => {
    const [home, shims] = [programs('python3'), programs('python3')];
    expect(pathsOf(openTree(plantBuildroot({})), { command: 'python3', home }, shims)).toEqual([
      join(home, 'python3'),
      '/usr/bin/python3',
      join(shims, 'python3'),
    ]);
  });

  it('are only the program that was named by its path', () => {
    const directory = programs('my-python');
    const named = { command: join(directory, 'my-python') };
    expect(pathsOf(openTree(plantBuildroot({})), named, directory)).toEqual([named.command]);
  });

  it('are empty if the program does not exist', () => {
    const directory = temporaryDirectory();
    plant(directory, {
      [`directory/${request.command}`]: { directory: true },
      [`not-executable/${request.command}`]: { content: '', mode: 0o644 },
      [`dangling/${request.command}`]: { symlink: 'nothing' },
    });
    const path = ['directory', 'not-executable', 'dangling'].map((name) => join(directory, name)).join(':');
    expect(pathsOf(openTree(plantBuildroot({})), request, path)).toEqual([]);
  });

  it('never come from a relative or empty entry of PATH', () => {
    expect(pathsOf(openTree(plantBuildroot({})), { command: 'package.json' }, '.::')).toEqual([]);
  });

  it('never come from inside the buildroot, whatever path leads there', () => {
    const buildroot = openTree(plantBuildroot({ [`usr/bin/${request.command}`]: program }));
    const inside = join(buildroot.path, 'usr/bin');
    const outside = temporaryDirectory();
    symlinkSync(inside, join(outside, 'bin'));
    symlinkSync(join(inside, request.command), join(outside, request.command));
    const path = [inside, join(outside, 'bin'), outside].join(':');
    expect(pathsOf(buildroot, request, path)).toEqual([]);
    expect(pathsOf(buildroot, { ...request, home: inside }, '')).toEqual([]);
    expect(pathsOf(buildroot, { command: join(inside, request.command) }, '')).toEqual([]);
  });

  it('come from inside the buildroot if the user named one there', () => {
    const buildroot = openTree(plantBuildroot({ [`usr/bin/${request.command}`]: program }));
    const command = join(buildroot.path, 'usr/bin', request.command);
    expect(pathsOf(buildroot, { command, mayBeStaged: true }, '')).toEqual([command]);
  });
});

describe.skipIf(process.getuid?.() !== 0)('interpreterCandidates of another user', () => {
  /** The directory of a program that belongs to user 12345, as `python3` and `my-python`. */
  function foreign(): string {
    const directory = programs('python3', 'my-python');
    for (const name of ['', 'python3', 'my-python']) chownSync(join(directory, name), 12_345, 12_345);
    return directory;
  }
  const buildroot = () => openTree(plantBuildroot({}));
  const said = (directory: string, name: string) => ({
    distrusted: `${join(directory, name)} is not started: ${directory} belongs to user 12345`,
  });

  it('are distrusted on PATH, as the home of an environment, and in an environment', () => {
    const directory = foreign();
    const usual = { path: '/usr/bin/python3' };
    expect(interpreterCandidates(buildroot(), { command: 'python3' }, directory)).toEqual([
      usual,
      said(directory, 'python3'),
    ]);
    expect(interpreterCandidates(buildroot(), { command: 'python3', home: directory }, '')).toEqual([
      said(directory, 'python3'),
      usual,
    ]);
    const found = { command: join(directory, 'my-python') };
    expect(interpreterCandidates(openTree('/'), found, '')).toEqual([said(directory, 'my-python')]);
  });

  it('are distrusted if only their name is given', () => {
    const directory = foreign();
    const named = { command: 'my-python', isNamed: true };
    expect(interpreterCandidates(buildroot(), named, directory)).toEqual([said(directory, 'my-python')]);
  });

  it('are accepted if their path is given, also for an environment that has them', () => {
    const path = join(foreign(), 'my-python');
    const named = { command: path, isNamed: true };
    expect(interpreterCandidates(buildroot(), named, '')).toEqual([{ path }]);
    const environment = programs('python3');
    symlinkSync(path, join(environment, 'python'));
    const found = { command: join(environment, 'python'), otherwise: named };
    expect(interpreterCandidates(openTree('/'), found, '')).toEqual([{ path: found.command }, { path }]);
  });

  it('come after the named interpreter in an environment', () => {
    const directory = foreign();
    const found = { command: join(directory, 'my-python'), otherwise: { command: '/usr/bin/python3', isNamed: true } };
    expect(interpreterCandidates(openTree('/'), found, '')).toEqual([
      said(directory, 'my-python'),
      { path: '/usr/bin/python3' },
    ]);
  });

  it('are distrusted in a chroot', () => {
    const tree = openTree(plantBuildroot({ 'usr/bin/python3': program, 'opt/python3': program }));
    const chroot = { ...tree, isSystem: true as const };
    expect(chrootCandidates(chroot, { command: 'python3' })).toEqual([{ path: '/usr/bin/python3' }]);
    const foreignProgram = join(tree.path, 'usr/bin/python3');
    chownSync(foreignProgram, 12_345, 12_345);
    expect(chrootCandidates(chroot, { command: 'python3' })).toEqual([
      { distrusted: `${foreignProgram} is not started: ${foreignProgram} belongs to user 12345` },
    ]);
    expect(chrootCandidates(chroot, { command: '/usr/bin/python3', isNamed: true })).toEqual([
      { path: '/usr/bin/python3' },
    ]);
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

  it('are python3 on other systems than Debian', () => {
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
