import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';

/** docs/images.md, whose commands tests run as they are. */
export const page = readFileSync(join(import.meta.dirname, '../../docs/images.md'), 'utf8');

/** Whether this machine's fsck.erofs is 1.7 or later, which restores links. */
export function erofsKeepsLinks(): boolean {
  const [, minor] = /\b1\.(\d+)/.exec(execaSync('fsck.erofs', ['-V'], { all: true }).all) ?? [];
  return Number(minor) >= 7;
}

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
