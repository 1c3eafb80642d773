/** Opens pages in a browser, as a reader would. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContextOptions, chromium, type Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { plantBuildroot, temporaryDirectory } from '../test/helpers/buildroot.ts';
import { pyclink } from '../test/helpers/pyclink.ts';
import { systemPython } from '../test/helpers/pythons.ts';
import { describeWith, missingTools } from './helpers/tools.ts';

const library = `/usr/lib/python${systemPython.minor}/site-packages`;

describeWith(missingTools('chromium'), 'a page', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
  });

  afterAll(() => browser.close());

  /** Opens a page. What it says to the console or asks of the network is kept. */
  async function open(file: string, options: BrowserContextOptions = {}): Promise<{ tab: Tab; said: string[] }> {
    const context = await browser.newContext(options);
    const tab = await context.newPage();
    const said: string[] = [];
    tab.on('console', (message) => said.push(message.text()));
    tab.on('pageerror', (error) => said.push(error.message));
    tab.on('request', (request) => said.push(request.url()));
    await tab.goto(`file://${file}`);
    return { tab, said: said.filter((text) => text !== `file://${file}`) };
  }

  /** A tree in which two modules are not as they should be, and the page about it. */
  async function pageOf(command: 'audit' | 'build' | 'verify'): Promise<string> {
    const buildroot = plantBuildroot({
      [`${library}/shop/__init__.py`]: '',
      [`${library}/shop/till.py`]: 'def pay(sum):\n    """Pays."""\n    assert sum\n',
      [`${library}/barn/cow.py`]: 'def moo(): pass\n',
    });
    const directory = temporaryDirectory();
    const [html, manifest] = [join(directory, 'page.html'), join(directory, 'manifest.json')];
    const build = ['build', '-q', '--buildroot', buildroot, '--manifest', manifest];
    expect(await pyclink([...build, ...(command === 'build' ? ['--html', html] : [])])).toMatchObject({ status: 0 });
    writeFileSync(join(buildroot, library, 'shop/till.py'), 'changed');
    writeFileSync(join(buildroot, library, `shop/__pycache__/__init__.${systemPython.cacheTag}.pyc`), 'x');
    if (command === 'audit') await pyclink(['audit', '--html', html, buildroot]);
    if (command === 'verify') await pyclink(['verify', '--html', html, '--manifest', manifest, buildroot]);
    return html;
  }

  it.each(['audit', 'build', 'verify'] as const)(
    'of %s writes nothing to the console and loads nothing',
    async (command) => {
      const { tab, said } = await open(await pageOf(command));
      expect(await tab.locator('.headline').innerText()).toMatch(/KiB of bytecode.*\d %/);
      expect(await tab.locator('svg .tile').count()).toBe(2);
      expect(said).toEqual([]);
    },
  );

  it('is readable without scripts', async () => {
    const { tab } = await open(await pageOf('audit'), { javaScriptEnabled: false });
    expect(await tab.locator('main').innerText()).toContain('damaged');
    await tab.locator('summary', { hasText: 'shop: 2 modules' }).click();
    expect(await tab.locator('tr', { hasText: 'shop/till.py' }).filter({ hasText: '0, 1, 2' }).isVisible()).toBe(true);
    expect(await tab.locator('button').count()).toBe(0);
  });

  it('sorts its findings by keyboard, and tells screen readers so', async () => {
    const { tab } = await open(await pageOf('audit'));
    const table = tab.locator('#kind-stale table', { hasText: 'detail' });
    const paths = () => table.locator('tbody tr td:nth-child(1)').allInnerTexts();
    const byWorst = await paths();
    await table.getByRole('button', { name: 'path' }).focus();
    await tab.keyboard.press('Enter');
    expect(await paths()).toEqual([...byWorst].sort());
    expect(await table.locator('th[aria-sort=ascending]').innerText()).toContain('path');
    await tab.keyboard.press('Space');
    expect(await paths()).toEqual([...byWorst].sort().reverse());
  });

  it('filters the findings, and shows all again', async () => {
    const { tab } = await open(await pageOf('audit'));
    const shown = () => tab.locator('#findings tbody tr:visible').count();
    const all = await shown();
    const filter = tab.getByRole('searchbox');
    await filter.fill('damaged');
    expect([await shown(), await tab.locator('#findings section:visible h3').allInnerTexts()]).toEqual([
      3,
      ['damaged: 3'],
    ]);
    await filter.fill('TILL.cpython');
    expect(await shown()).toBe(3);
    await filter.fill('no such thing');
    expect(await shown()).toBe(0);
    await filter.fill('');
    expect(await shown()).toBe(all);
  });

  it('leads from a kind to its findings', async () => {
    const { tab } = await open(await pageOf('audit'));
    await tab.getByRole('link', { name: /^stale: / }).click();
    expect(await tab.locator(':target h3').innerText()).toMatch(/^stale: \d+$/);
  });

  it('shows the name of a tile that is pointed at, however small it is', async () => {
    const { tab } = await open(await pageOf('audit'));
    for (const name of ['shop', 'barn']) {
      await tab.locator('svg g', { has: tab.locator('title', { hasText: `/${name}: ` }) }).hover();
      expect(await tab.locator('.pointed').innerText()).toMatch(new RegExp(`/${name}: \\d`));
    }
  });

  it('follows the dark mode of the system, and shows everything in print', async () => {
    const html = await pageOf('audit');
    const background = async (colorScheme: 'light' | 'dark') => {
      const { tab } = await open(html, { colorScheme });
      return tab.evaluate('getComputedStyle(document.body).backgroundColor');
    };
    expect([await background('light'), await background('dark')]).toEqual(['rgb(255, 255, 255)', 'rgb(22, 22, 22)']);
    const { tab } = await open(html);
    const opened = await tab.locator('details[open]').count();
    await tab.evaluate('dispatchEvent(new Event("beforeprint"))');
    expect(await tab.locator('details:not([open])').count()).toBe(0);
    await tab.evaluate('dispatchEvent(new Event("afterprint"))');
    expect(await tab.locator('details[open]').count()).toBe(opened);
  });
});
