import { describe, expect, it } from 'vitest';
import {
  cleaningOnRemoval,
  divertedPaths,
  privateDirectories,
  withoutClean,
  withoutCompileSections,
} from '../../src/debian/maintainer-scripts.ts';

const section = (call: string) =>
  `\n# Automatically added by dh_python3\nif command -v py3compile >/dev/null 2>&1; then\n\tpy3compile ${call}\nfi\n` +
  '\n# End automatically added section\n';
const other = '\n# Automatically added by dh_installsystemd/13\ntrue\n# End automatically added section\n';
const publicSection = section('-p shop ');
const privateSection = section('-p shop:amd64 /usr/share/shop -V 3.11');

describe('the postinst', () => {
  it('names private directories and their versions', () => {
    const text = publicSection + privateSection + other + section("-p shop /opt/shop -X 'it'\\''s /.*' -X 'b'");
    expect(privateDirectories(text)).toEqual([
      { directory: '/usr/share/shop', versions: '3.11', excludes: [] },
      { directory: '/opt/shop', versions: undefined, excludes: ["it's /.*", 'b'] },
    ]);
  });

  it('removes only the compile sections', () => {
    const text = other + publicSection + privateSection;
    expect(withoutCompileSections(text, 'all')).toBe(other);
    expect(withoutCompileSections(text, 'private')).toBe(other + publicSection);
    expect(withoutCompileSections(other, 'all')).toBe(other);
  });
});

it('removes the cleaning from the rtupdate hook, idempotently', () => {
  const hook =
    'if [ "$1" = rtupdate ]; then\n\tpy3clean -p shop /usr/share/shop\n\tpy3compile -p shop  /usr/share/shop\nfi';
  const expected = 'if [ "$1" = rtupdate ]; then\n\tpy3compile -p shop  /usr/share/shop\nfi';
  expect(withoutClean(hook)).toBe(expected);
  expect(withoutClean(expected)).toBe(expected);
});

it('makes the prerm clean only when the last instance is removed, idempotently', () => {
  const clean = '\nif command -v py3clean >/dev/null 2>&1; then\n\tpy3clean -p shop \nfi\n';
  const prerm = (body: string) =>
    `${other}\n# Automatically added by dh_python3\n${body}\n# End automatically added section\n`;
  const changed = cleaningOnRemoval(prerm(clean));
  expect(changed).toBe(
    prerm(`if [ "$1" = remove ] && [ "\${DPKG_MAINTSCRIPT_PACKAGE_REFCOUNT:-1}" -le 1 ]; then\n${clean}\nfi`),
  );
  expect(cleaningOnRemoval(changed)).toBe(changed);
  expect(cleaningOnRemoval(other)).toBe(other);
});

it('finds the paths in calls of dpkg-divert', () => {
  const script =
    'dpkg-divert --package shop --add --rename \\\n  --divert "/usr/a.py.orig" \'/usr/a.py\'\nrm /usr/b.py\n';
  expect(divertedPaths(script)).toEqual(['/usr/a.py.orig', '/usr/a.py']);
});
