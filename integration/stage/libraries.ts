import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const checkout = join(import.meta.dirname, '../..');

export interface Library {
  readonly name: string;
  readonly version: string;
  /** SPDX. */
  readonly license: string;
  /** Where it is installed. */
  readonly directory: string;
}

/** The libraries of the bundles in dist/, in which esbuild names each file in a comment; sorted, each version once. */
export function bundledLibraries(): Library[] {
  const bundles = readdirSync(join(checkout, 'dist'))
    .filter((name) => name.endsWith('.cjs'))
    .map((name) => readFileSync(join(checkout, 'dist', name), 'utf8'));
  const files = bundles.join('\n').matchAll(/^\/\/ (.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//gm);
  const directories = new Set([...files].map(([, directory = '']) => directory));
  const libraries = [...directories].map((directory) => {
    const { name, version, license } = JSON.parse(readFileSync(join(checkout, directory, 'package.json'), 'utf8'));
    return { name, version, license, directory: join(checkout, directory) } as Library;
  });
  const lines = new Map(libraries.map((library) => [`${library.name} ${library.version} ${library.license}`, library]));
  return [...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, library]) => library);
}
