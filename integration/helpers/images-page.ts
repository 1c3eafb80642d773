import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** docs/images.md, whose commands tests run as they are. */
export const page = readFileSync(join(import.meta.dirname, '../../docs/images.md'), 'utf8');

/** The headings of docs/images.md below which there are commands. */
export const headings = page
  .split(/^## /m)
  .slice(1)
  .filter((section) => blocksIn(section).length > 0)
  .map((section) => section.slice(0, section.indexOf('\n')));

/** The indented blocks below a heading of docs/images.md. */
export function blocksOf(heading: string): string[] {
  return blocksIn(page.split(/^## /m).find((section) => section.startsWith(`${heading}\n`)) ?? '');
}

function blocksIn(section: string): string[] {
  const blocks = section.split(/\n\n+/).filter((paragraph) => /^ {4}/.test(paragraph));
  return blocks.map((block) =>
    block
      .replaceAll(block.match(/^ +/)?.[0] ?? '', '\n')
      .replaceAll('\n\n', '\n')
      .trim(),
  );
}
