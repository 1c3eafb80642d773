import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { symlinksIn } from '../../src/buildroot/symlinks.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

it('finds where symlinks of any name lead to in the tree, through others', () => {
  const buildroot = openTree(
    plantBuildroot({
      'app/m.py': '',
      'app/tool': { symlink: 'm.py' },
      'bin/tool': { symlink: '/app/tool' },
      'lib/app': { symlink: '../app' },
      'dangling.py': { symlink: 'nothing' },
      outside: { symlink: '../..' },
    }),
  );
  const at = (path: string) => join(buildroot.path, path);
  expect(new Map([...symlinksIn(buildroot, ['/app'])].sort())).toEqual(
    new Map([
      [at('app/tool'), at('app/m.py')],
      [at('bin/tool'), at('app/m.py')],
      [at('lib/app'), at('app')],
    ]),
  );
});
