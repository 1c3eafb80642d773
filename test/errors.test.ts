import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errnoOf, exitStatus, messageOf, PyclinkError, refusalOf, statusOf } from '../src/errors.ts';

describe('exitStatus', () => {
  it('is what build scripts rely on', () => {
    expect(exitStatus).toEqual({
      done: 0,
      problems: 1,
      unusable: 2,
      toolFailed: 3,
      bug: 70,
      interrupted: 130,
      terminated: 143,
    });
  });
});

describe('statusOf', () => {
  it.each<[string[], number]>([
    [[], 0],
    [['', 'cannot be replaced (EACCES)'], 1],
    [['EACCES', 'EACCES: permission denied\nENOSPC: no space left on device'], 3],
    [['cannot be replaced (EDQUOT)', ''], 3],
  ])('of the problems %j is %i', (problems, status) => {
    expect(statusOf(problems)).toBe(status);
  });
});

describe('PyclinkError', () => {
  it.each<[ErrorCode, number]>([
    ['usage', 2],
    ['buildroot-unusable', 2],
    ['interpreter-missing', 2],
    ['manifest-unusable', 2],
    ['pyc-unusable', 2],
    ['worker-failed', 3],
    ['file-failed', 3],
    ['tool-failed', 3],
  ])('of code %s ends with status %i', (code, status) => {
    expect(new PyclinkError(code, 'why').exitStatus).toBe(status);
  });

  it('carries a path, a hint and a cause', () => {
    const cause = new Error('deeper');
    const error = new PyclinkError('usage', 'why', { path: '/a', hint: 'do this', cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'PyclinkError', message: 'why', path: '/a', hint: 'do this', cause });
  });
});

describe('errnoOf', () => {
  it('is the name of a system error', () => {
    try {
      readFileSync('/nonexistent/file');
    } catch (error) {
      expect(errnoOf(error)).toBe('ENOENT');
    }
    expect.assertions(1);
  });

  it.each([
    [new Error('plain')],
    [new PyclinkError('file-failed', 'why')],
    [{ code: 'ENOENT' }],
    ['ENOENT'],
    [undefined],
    [Object.assign(new Error(), { code: 5 })],
  ])('is nothing for %o', (value) => {
    expect(errnoOf(value)).toBeUndefined();
  });
});

describe('a system error that Node.js has no name for', () => {
  const unknown = (message: string, code: string, errno: number) =>
    Object.assign(new Error(message), { code, errno, syscall: 'write' });

  it.each([
    [unknown('UNKNOWN: unknown error, write', 'UNKNOWN', -122), 'EDQUOT', 'EDQUOT: disk quota exceeded, write'],
    [
      unknown("Unknown system error -116: Unknown system error -116, open '/a'", 'Unknown system error -116', -116),
      'ESTALE',
      "ESTALE: stale file handle, open '/a'",
    ],
    [unknown('UNKNOWN: unknown error, read', 'UNKNOWN', -133), 'errno 133', 'errno 133, read'],
  ])('%s is %s', (error, errno, message) => {
    expect(errnoOf(error)).toBe(errno);
    expect(messageOf(error)).toBe(message);
    expect(refusalOf(error)).toBe(message.replace(/,.*/, ''));
  });
});

describe('messageOf', () => {
  it.each([
    [new Error('why'), 'why'],
    ['text', 'text'],
    [undefined, 'undefined'],
  ])('of %o is %s', (thrown, message) => {
    expect(messageOf(thrown)).toBe(message);
  });
});
