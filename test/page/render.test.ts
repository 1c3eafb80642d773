import { expect, it } from 'vitest';
import type { PayloadPath } from '../../src/files/path.ts';
import type { Page } from '../../src/page/page.ts';
import { renderPage } from '../../src/page/render.ts';

const evil = '/usr/lib/python3.13/site-packages/<script>alert("&")</script>\n\x1b[31m/x.py' as PayloadPath;
const page: Page = {
  title: `pyclink audit ${evil}`,
  headline: '1.0 MiB of bytecode; links would save 0.3 MiB (30 %).',
  facts: [evil],
  hatched: 'links would save',
  modules: [
    { source: evil, cacheTag: 'cpython-313', files: [{ levels: [0, 1], sizeBytes: 10 }], sizeBytes: 10, savedBytes: 5 },
  ],
  findings: [{ kind: 'stale', path: evil, detail: `it records ${evil}` }],
};

it('shows all names literally', () => {
  const text = renderPage(page);
  expect(text).not.toContain('<script>alert');
  expect(text).not.toContain('\x1b');
  expect(text).toContain('&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;\\n\\u001b[31m/x.py');
  expect(text.match(/<script>/g)).toHaveLength(1);
});

it('refers to nothing outside itself', () => {
  expect(renderPage(page).match(/(?:src|href)="(?!data:|#)[^"]*"|url\((?!#)/g)).toBeNull();
});

it('groups findings by kind and package, with a link to each kind', () => {
  const at = (kind: string, module: string) => ({
    kind,
    path: `/usr/lib/python3.13/site-packages/${module}/__pycache__/x.cpython-313.pyc`,
    detail: '',
  });
  const many = Array.from({ length: 20 }, () => at('unlinked', 'shop'));
  const text = renderPage({
    ...page,
    findings: [at('stale', 'shop'), ...many, at('unlinked', 'barn')],
    meanings: { stale: 'does not fit.' },
  });
  expect(text).toContain('<li><a href="#kind-stale">stale: 1</a>: does not fit.</li>');
  expect(text).toContain('<li><a href="#kind-unlinked">unlinked: 21</a></li>');
  const groups = Array.from(text.matchAll(/<section id="([^"]+)">|<details( open)?><summary>([^<]*\d)<\/summary>/g));
  expect(groups.map(([, kind, open = '', name]) => kind ?? `${name}${open}`)).toEqual([
    'kind-stale',
    '/usr/lib/python3.13/site-packages/shop: 1 open',
    'kind-unlinked',
    '/usr/lib/python3.13/site-packages/shop: 20',
    '/usr/lib/python3.13/site-packages/barn: 1',
  ]);
});

it('says so if nothing is wrong', () => {
  const text = renderPage({ ...page, modules: [], findings: [] });
  expect(text).toContain('<p>Nothing wrong.</p>');
  expect(text).not.toContain('<svg');
});
