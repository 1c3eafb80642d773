import { html, raw } from 'hono/html';
import { printable } from '../printable.ts';
import { counted, sizeText } from '../text.ts';
import { version } from '../version.ts';
import { findingsSection, tableDetails } from './findings.ts';
import { type PackageBytes, packagesOf } from './modules.ts';
import type { Page, PageFile, PageModule } from './page.ts';
import { script } from './script.ts';
import { style } from './style.ts';
import { treemapSvg } from './treemap.ts';

/** Renders the page as one HTML file. It loads nothing, and is readable without scripts. */
export function renderPage(page: Page): string {
  const packages = packagesOf(page.modules);
  const text = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${printable(page.title)}</title>
<style>${raw(style)}</style>
</head>
<body>
<main>
<h1>${printable(page.title)}</h1>
<p class="headline">${page.headline}</p>
<ul class="facts">
${page.facts.map((fact) => html`<li>${printable(fact)}</li>\n`)}</ul>
${packages.length > 0 ? packageSection(packages, page.hatched) : ''}
<h2>Findings</h2>
${findingsSection(page.findings, page.meanings ?? {})}
${packages.length > 0 ? moduleSection(packages) : ''}
</main>
<footer><p class="note">Written by pyclink ${version}.</p></footer>
<script>${raw(script)}</script>
</body>
</html>
`;
  return text.toString();
}

function packageSection(packages: readonly PackageBytes[], hatched: string) {
  const rows = packages.map(
    ({ name, sizeBytes, savedBytes, modules }) =>
      html`<tr><td>${printable(name)}</td>${sizeCell(sizeBytes)}${sizeCell(savedBytes)}<td class="number">${modules.length}</td></tr>\n`,
  );
  return html`<h2>Packages by bytes</h2>
<figure>
${treemapSvg(packages, hatched)}
<figcaption class="note">Area: bytes of bytecode. Hatched: what ${hatched}.<br><output class="pointed">&nbsp;</output></figcaption>
</figure>
${tableDetails(`The same as a table: ${counted(packages.length, 'package')}`, ['package'], ['bytecode', hatched, 'modules'], rows)}`;
}

function moduleSection(packages: readonly PackageBytes[]) {
  return html`<h2>Modules</h2>
<p class="note">Levels that are names of one file are joined by =.</p>
${packages.map(({ name, modules, sizeBytes }) => {
  const summary = `${printable(name)}: ${counted(modules.length, 'module')}, ${sizeText(sizeBytes)}`;
  return html`${tableDetails(summary, ['source', 'cache tag', 'levels'], ['bytecode'], modules.map(moduleRow))}\n`;
})}`;
}

function moduleRow({ source, cacheTag, files, sizeBytes }: PageModule) {
  const levels = cacheTag === undefined ? [] : files.map(({ levels: own }: PageFile) => own.join(' = '));
  return html`<tr><td>${printable(source)}</td><td>${cacheTag ?? ''}</td><td>${levels.join(', ')}</td>${sizeCell(sizeBytes)}</tr>\n`;
}

function sizeCell(sizeBytes: number) {
  return html`<td class="number" data-value="${sizeBytes}">${sizeText(sizeBytes)}</td>`;
}
