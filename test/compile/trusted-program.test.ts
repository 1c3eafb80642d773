import { chmodSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { trusted } from '../../src/compile/trusted-program.ts';
import { plant, temporaryDirectory } from '../helpers/buildroot.ts';

const program = { content: '#!/bin/sh\n', mode: 0o755 };

describe('trusted', () => {
  it('accepts a program under the name that was found', () => {
    const top = temporaryDirectory();
    plant(top, { 'bin/real': program, 'bin/python3': { symlink: 'real' } });
    // A launcher may tell by its name what it is to start.
    expect(trusted(join(top, 'bin/python3'))).toEqual({ path: join(top, 'bin/python3') });
  });

  it('uses the real path if others control the name', () => {
    const top = temporaryDirectory();
    plant(top, { 'bin/real': program, 'venv/bin/python3': { symlink: '../../bin/real' } });
    chmodSync(join(top, 'venv'), 0o777);
    expect(trusted(join(top, 'venv/bin/python3'))).toEqual({ path: join(top, 'bin/real') });
  });

  it('refuses a program that others can replace, whatever leads to it', () => {
    const top = temporaryDirectory();
    plant(top, { 'bin/real': program, 'venv/bin/python3': { symlink: '../../bin/real' } });
    chmodSync(join(top, 'bin'), 0o777);
    const found = join(top, 'venv/bin/python3');
    const distrusted = `${found} is not started: other users may write to ${join(top, 'bin')} (mode 777)`;
    expect(trusted(found)).toEqual({ distrusted });
  });

  it('refuses a copy of an interpreter in an environment whose library others can replace', () => {
    const top = temporaryDirectory();
    plant(top, { 'venv/bin/python3': program, 'base/bin/python3': program });
    plant(top, { 'venv/pyvenv.cfg': `home = ${top}/base/bin\n` });
    const found = join(top, 'venv/bin/python3');
    expect(trusted(found)).toEqual({ path: found });
    chmodSync(join(top, 'base'), 0o777);
    const distrusted = `${found} is not started: other users may write to ${join(top, 'base')} (mode 777)`;
    expect(trusted(found)).toEqual({ distrusted });
    // The real program has no such file beside it.
    symlinkSync('/usr/bin/env', join(top, 'venv/bin/python'));
    expect(trusted(join(top, 'venv/bin/python'))).not.toHaveProperty('distrusted');
  });
});
