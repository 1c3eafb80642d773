/** Help and man pages leave nothing out: options are generated for both, environment variables are looked for in src. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { manPage } from '../integration/stage/man-page.ts';
import { auditKinds } from '../src/audit/kinds.ts';
import { buildOptions } from '../src/pipeline/option-table.ts';
import { findingKinds } from '../src/verify/finding.ts';
import { call } from './helpers/call.ts';

const checkout = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(checkout, path), 'utf8');
const plain = (page: string) => page.replaceAll('\\-', '-').replace(/\\f[BIR]/g, '');
const pages = { pyclink: plain(manPage()), dh_pyclink: plain(read('docs/man/dh_pyclink.1')) };

/** Variables of the interpreters' surroundings and of fakeroot, which nobody sets by hand. */
const internal = ['DEBPYTHON3_SUPPORTED', 'FAKEROOTKEY', 'PATH'];

describe('the man page of pyclink', () => {
  it.each(['build', 'link', 'relink', 'restamp', 'verify', 'audit', 'diff', 'cache', 'inspect'])(
    'has all options of %s',
    async (command) => {
      const { stdout } = await call([command, '--help']);
      const options = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name = '']) => name);
      expect(options).toContain('--json');
      expect(options.filter((name) => !new RegExp(`^(?:-\\w, )?${name}(?![a-z-])`, 'm').test(pages.pyclink))).toEqual(
        [],
      );
    },
  );

  it('has both forms of inspect, and no placeholders', () => {
    expect(pages.pyclink).toContain('.BI inspect " FILE"\n');
    expect(pages.pyclink).toContain('.BI inspect " FILE OTHER"\n');
    expect(pages.pyclink).not.toMatch(/^\.\\"/m);
  });

  it('shows how each command is called, and the examples of help', async () => {
    const { stdout } = await call(['build', '--help']);
    const synopsis = /^\.SH SYNOPSIS\n(.*?)^\.SH/ms.exec(pages.pyclink)?.[1]?.replaceAll('.br\n', '').split('\n');
    expect(synopsis).toEqual([
      'pyclink build [option ...] [PATH...]',
      'pyclink link [option ...] [PATH...]',
      'pyclink relink [option ...] --manifest FILE',
      'pyclink restamp [option ...] --mtime TIME [PATH...]',
      'pyclink verify [option ...] --manifest FILE TARGET...',
      'pyclink audit [option ...] TARGET...',
      'pyclink diff [option ...] OLD NEW',
      'pyclink cache [option ...] stats|trim|clear|check',
      'pyclink inspect [option ...] FILE [OTHER]',
      ...['.B pyclink help', '.RI [ command ]', '.B pyclink brp', '\\&...', '.B pyclink dh', '\\&...', ''],
    ]);
    const examples =
      /^Examples:\n(.*?)\n\n/ms
        .exec(stdout)?.[1]
        ?.split('\n')
        .map((line) => line.trim()) ?? [];
    expect(examples.length).toBeGreaterThan(2);
    expect(examples.filter((line) => !pages.pyclink.includes(line))).toEqual([]);
  });

  it('groups the options of build as help does, and has all kinds of findings', async () => {
    const { stdout } = await call(['build', '--help']);
    const groups = [...stdout.matchAll(/^([A-Z][a-z ]+):$/gm)].map(([, name]) => `${name}:`);
    const own = groups.filter((name) => !['Arguments:', 'Options:', 'Examples:', 'Environment:'].includes(name));
    expect(own.length).toBeGreaterThan(3);
    expect(own.filter((name) => !pages.pyclink.includes(`.PP\n${name}\n`))).toEqual([]);
    const findings = /^\.SH FINDINGS\n(.*?)^\.SH/ms.exec(pages.pyclink)?.[1] ?? '';
    const kinds = [...Object.keys(findingKinds), ...Object.keys(auditKinds)];
    expect(kinds.filter((kind) => !findings.includes(`.TP\n${kind}\n`))).toEqual([]);
  });
});

it('the help of build lists all options in order', async () => {
  const { stdout } = await call(['build', '--help']);
  const flags = Object.values(buildOptions).map((option) => option.flags.replace(/[[\]]/g, '\\$&'));
  const places = flags.map((flag) => stdout.search(new RegExp(`^ {2}${flag}( |$)`, 'm')));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
});

it('help and man pages list all environment variables', async () => {
  const sources = readdirSync(join(checkout, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => read(join('src', path)));
  const inSources = sources.flatMap((text) =>
    [...text.matchAll(/\benv(?:ironment)?(?:\.|\[')([A-Z][A-Z\d_]+)/g)].map(([, name = '']) => name),
  );
  const names = [...new Set(inSources)].filter((name) => !internal.includes(name));
  expect(names).toContain('SOURCE_DATE_EPOCH');
  const missing = (text: string) => names.filter((name) => !text.includes(name));
  expect(missing(pages.pyclink)).toEqual([]);
  expect(missing((await call(['--help'])).stdout)).toEqual([]);
  expect(missing((await call(['build', '--help'])).stdout)).toEqual([]);
});

it('the man page of dh_pyclink has each of its options', () => {
  const options = [...read('hooks/dh_pyclink').matchAll(/^\t'(?:h\|)?([a-z-]+)(?:=s)?' => /gm)];
  expect(options.map(([, name]) => name)).toEqual(['help', 'postinst', 'manifest-dir', 'lintian-overrides']);
  expect(options.filter(([, name]) => !pages.dh_pyclink.includes(`--${name}`))).toEqual([]);
});
