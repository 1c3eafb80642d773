import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { trustedPath } from '../../src/files/program-path.ts';
import { plantBuildroot } from '../helpers/buildroot.ts';

it('removes directories from PATH that others can write to, or that are relative', () => {
  const before = process.env['PATH'];
  onTestFinished(() => {
    process.env['PATH'] = before;
  });
  const root = plantBuildroot({
    own: { directory: true },
    open: { directory: true },
    sticky: { directory: true },
    'open/own': { directory: true },
    link: { symlink: 'own' },
  });
  chmodSync(join(root, 'open'), 0o777);
  chmodSync(join(root, 'sticky'), 0o1777);
  const at = (...names: string[]) => names.map((name) => join(root, name)).join(':');
  process.env['PATH'] = `.::${at('open', 'sticky', 'open/own', 'own', 'link', 'gone')}:bin`;
  expect(trustedPath()).toBe(at('own', 'link'));
  process.env['PATH'] = '';
  expect(trustedPath()).toBe('/nonexistent');
});
