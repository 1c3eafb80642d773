/** Which links of Markdown pages lead nowhere. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The relative links of all pages below a directory that lead to no file there, or to no heading of a page.
 * @returns `PAGE: LINK` each, sorted
 */
export function deadLinks(directory: string): string[] {
  const pages = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'));
  return pages.sort().flatMap((page) =>
    relativeLinks(readFileSync(join(directory, page), 'utf8'))
      .filter((link) => !leadsSomewhere(join(directory, page), link))
      .map((link) => `${page}: ${link}`),
  );
}

/** Links and pictures, in Markdown and in HTML. */
function relativeLinks(text: string): string[] {
  const links = text.matchAll(/\]\(([^)\s]+)\)|(?:href|src|srcset)="([^"]+)"/g);
  return Array.from(links, ([, link, attribute]) => link ?? attribute ?? '').filter((link) => !/^\w+:/.test(link));
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', heading] = link.split('#');
  const target = path === '' ? page : join(dirname(page), path);
  if (!existsSync(target)) return false;
  return heading === undefined || headingsOf(readFileSync(target, 'utf8')).includes(heading);
}

/** As GitHub makes them: lower case, hyphens for spaces, no punctuation; and anchors that are set by hand. */
function headingsOf(text: string): string[] {
  const headings = Array.from(text.matchAll(/^#+ (.*)$/gm), ([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
  return [...headings, ...Array.from(text.matchAll(/<a (?:id|name)="([^"]+)"/g), ([, anchor = '']) => anchor)];
}
