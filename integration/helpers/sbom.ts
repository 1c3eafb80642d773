import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

const checkout = join(import.meta.dirname, '../..');

/** A package in package-lock.json. */
interface Locked {
  readonly version: string;
  readonly license: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** By directory: `node_modules/execa`; pyclink's own is empty. */
const { packages } = JSON.parse(readFileSync(join(checkout, 'package-lock.json'), 'utf8')) as {
  packages: Readonly<Record<string, Locked>>;
};

/**
 * The bill of materials of the bundle. It says the same at any time.
 * @see CycloneDX 1.5
 */
export async function bundleMaterials() {
  const directories = await bundledDirectories();
  const dependencies = ['', ...directories].map((directory) => ({
    ref: refOf(directory),
    dependsOn: Object.keys(locked(directory).dependencies ?? {})
      .map((name) => directoryOf(name, directory))
      .filter((other) => directories.includes(other))
      .map(refOf),
  }));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    version: 1,
    metadata: { component: componentOf('') },
    components: directories.map(componentOf),
    dependencies,
  };
}

function componentOf(directory: string) {
  const { version, license, integrity } = locked(directory);
  const name = nameOf(directory);
  const digest = integrity?.replace(/^sha512-/, '');
  return {
    'bom-ref': refOf(directory),
    type: 'library',
    name,
    version,
    purl: `pkg:npm/${name.replace('@', '%40')}@${version}`,
    ...(digest === undefined
      ? {}
      : { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }),
    licenses: [{ expression: license }],
  };
}

/** The directory of a dependency: the nearest one above, as Node.js finds it. */
function directoryOf(name: string, dependent: string): string {
  const directory = join(dependent, 'node_modules', name);
  if (directory in packages || dependent === '') return directory;
  return directoryOf(name, dependent.replace(/(^|\/)node_modules\/(@[^/]+\/)?[^/]+$/, ''));
}

function locked(directory: string): Locked {
  const found = packages[directory];
  if (found === undefined) throw new Error(`${directory} is not in package-lock.json`);
  return found;
}

function nameOf(directory: string): string {
  return directory === '' ? 'pyclink' : directory.replace(/^.*node_modules\//, '');
}

function refOf(directory: string): string {
  return `${nameOf(directory)}@${locked(directory).version}`;
}

/** `name@version` of the packages that have code in the bundle. */
export async function bundledPackages(): Promise<string[]> {
  return (await bundledDirectories()).map((directory) => {
    const { name, version } = JSON.parse(readFileSync(join(checkout, directory, 'package.json'), 'utf8'));
    return `${name}@${version}`;
  });
}

async function bundledDirectories(): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [join(checkout, 'src/cli.ts')],
    absWorkingDir: checkout,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const directories = Object.keys(metafile.inputs).flatMap(
    (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
  );
  return [...new Set(directories)].sort();
}
