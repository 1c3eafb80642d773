import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';

const checkout = join(import.meta.dirname, '../..');

/** What npm says of a package. @see CycloneDX 1.5 */
interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly version: string;
  readonly licenses?: readonly unknown[];
  readonly properties?: readonly { readonly name: string }[];
}

/** npm's bill of materials, less what is not in the bundle. To npm all dependencies are for development. */
export async function bundleMaterials() {
  const { stdout } = await execa('npm', ['sbom', '--sbom-format=cyclonedx'], { cwd: checkout });
  const all = JSON.parse(stdout) as {
    components: Component[];
    dependencies: { ref: string; dependsOn: string[] }[];
    metadata: { component: Component };
  };
  const bundled = new Set(await bundledPackages());
  const components = all.components
    .filter(({ name, version }) => bundled.has(`${name}@${version}`))
    .map(({ properties = [], ...component }) => ({
      ...component,
      properties: properties.filter(({ name }) => name !== 'cdx:npm:package:development'),
    }));
  const refs = new Set([all.metadata.component, ...components].map((component) => component['bom-ref']));
  const dependencies = all.dependencies
    .filter(({ ref }) => refs.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }));
  return { ...all, components, dependencies };
}

/** `name@version` of the packages that have code in the bundle. */
export async function bundledPackages(): Promise<string[]> {
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
  return [...new Set(directories)].map((directory) => {
    const { name, version } = JSON.parse(readFileSync(join(checkout, directory, 'package.json'), 'utf8'));
    return `${name}@${version}`;
  });
}
