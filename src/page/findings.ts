import { html } from 'hono/html';
import { byPackage } from '../audit/finding.ts';
import type { PayloadPath } from '../files/path.ts';
import { groupBy } from '../get-or-add.ts';
import { printable } from '../printable.ts';
import { counted } from '../text.ts';
import type { PageFinding } from './page.ts';

/** Kinds with at most this many findings are shown expanded. */
const maxOpen = 10;

/** Findings by kind, then by package, preceded by a list of links to the kinds. */
export function findingsSection(findings: readonly PageFinding[], meanings: Readonly<Record<string, string>>) {
  if (findings.length === 0) return html`<p>Nothing wrong.</p>`;
  const kinds = groupBy(findings, ({ kind }) => kind);
  const meaningOf = (kind: string) => (meanings[kind] === undefined ? '' : `: ${meanings[kind]}`);
  return html`<p>${counted(findings.length, 'finding')}.</p>
<ul class="kinds">
${Array.from(kinds, ([kind, own]) => html`<li><a href="#kind-${kind}">${kind}: ${own.length}</a>${meaningOf(kind)}</li>\n`)}</ul>
<div id="findings">
${Array.from(kinds, ([kind, own]) => kindSection(kind, own))}</div>`;
}

function kindSection(kind: string, findings: readonly PageFinding[]) {
  const isOpen = findings.length <= maxOpen;
  return html`<section id="kind-${kind}"><h3 class="kind">${kind}: ${findings.length}</h3>
${byPackage(findings.map((finding) => ({ ...finding, path: finding.path as PayloadPath }))).map(([name, own]) => packageDetails(name, own, isOpen))}</section>
`;
}

function packageDetails(name: string, findings: readonly PageFinding[], isOpen: boolean) {
  const rows = findings.map(
    ({ path, detail }) => html`<tr><td>${printable(path)}</td><td>${printable(detail)}</td></tr>\n`,
  );
  return html`${tableDetails(`${printable(name)}: ${findings.length}`, ['path', 'detail'], [], rows, isOpen)}\n`;
}

/** A table that can be sorted and folded. @param texts its columns, before those of `numbers` */
export function tableDetails(
  summary: string,
  texts: readonly string[],
  numbers: readonly string[],
  rows: ReturnType<typeof html>[],
  isOpen = false,
) {
  return html`<details${isOpen ? html` open` : ''}><summary>${summary}</summary>
<table class="sortable">
<thead><tr>${texts.map((name) => html`<th scope="col">${name}</th>`)}${numbers.map((name) => html`<th scope="col" class="number">${name}</th>`)}</tr></thead>
<tbody>
${rows}</tbody>
</table></details>`;
}
