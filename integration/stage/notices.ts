import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundledLibraries } from './libraries.ts';

/** THIRD-PARTY-NOTICES: the licence texts of all that is in the bundles. */
export function noticesText(): string {
  const parts = bundledLibraries().map(({ name, version, license, directory }) => {
    const texts = licenceFiles(directory).map((file) => readFileSync(file, 'utf8').trim());
    return [`${name} ${version}, ${license}`, ...texts].join('\n\n');
  });
  return [`pyclink contains these libraries.`, ...parts].join(`\n\n${'-'.repeat(80)}\n\n`).concat('\n');
}

function licenceFiles(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => /^(licen[cs]e|notice|copying)(\.|-|$)/i.test(name))
    .sort()
    .map((name) => join(directory, name));
}
