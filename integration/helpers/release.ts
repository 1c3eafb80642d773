/** What docs/release.md has a fork fill in, and the files that have it too. */
const values: Readonly<Record<string, readonly string[]>> = {
  repository: ['package.json', 'debian/control', 'rpm-macros/pyclink.spec'],
  contact: ['package.json', 'debian/control', 'debian/changelog'],
  'signing key': [],
};

/**
 * What a version lacks to be released; a version that ends with `-dev` lacks nothing.
 * @param read gives the text of a file of the checkout
 */
export function lackingForRelease(version: string, read: (path: string) => string): string[] {
  if (version.endsWith('-dev')) return [];
  const page = read('docs/release.md');
  const lacking = Object.entries(values).flatMap(([name, files]) => {
    const [, value = ''] = new RegExp(`^\\| ${name} \\| (.*?) +\\|`, 'm').exec(page) ?? [];
    if (value === '' || /example\.org|not set/.test(value)) return [`docs/release.md: ${name} is a placeholder`];
    return files.filter((file) => !read(file).includes(value)).map((file) => `${file}: ${name} ${value} is missing`);
  });
  const isDescribed = read('CHANGELOG.md').includes(`\n## ${version} (`);
  return isDescribed ? lacking : [...lacking, `CHANGELOG.md: there is no section ${version}`];
}
