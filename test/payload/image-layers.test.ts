import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { layersOf } from '../../src/payload/image-layers.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const [one, two] = [sha256('one'), sha256('two')];

/** What both `docker save` and OCI tools read: an index, and a manifest of Docker's. */
function layersIn(dockerLayers: readonly string[], architecture = 'amd64') {
  const files = new Map<string, string>();
  const add = (json: unknown) => {
    const text = JSON.stringify(json);
    files.set(`blobs/sha256/${sha256(text)}`, text);
    return sha256(text);
  };
  const digests = (layers: readonly string[]) => layers.map((layer) => ({ digest: `sha256:${layer}` }));
  const config = (name: string) => add({ os: 'linux', architecture: name, rootfs: { diff_ids: [] } });
  const layers = digests([one, two]);
  const manifest = add({ config: { digest: `sha256:${config('amd64')}` }, layers });
  files.set('oci-layout', '{}');
  files.set('index.json', JSON.stringify({ manifests: digests([manifest]) }));
  const Layers = dockerLayers.map((layer) => `blobs/sha256/${layer}`);
  const docker = [{ Config: `blobs/sha256/${config(architecture)}`, Layers }];
  files.set('manifest.json', JSON.stringify(docker));
  const read = (name: string) => (files.has(name) ? Buffer.from(files.get(name) ?? '') : undefined);
  return layersOf({ path: 'image.tar', files: { read, each: async function* () {} } });
}

describe('an OCI layout with a manifest of docker save', () => {
  it.each([
    ['the same layers', [one, two], 'amd64'],
    ['layers for another platform', [one], 'arm64'],
  ])('is read if it has %s', (_, docker, architecture) => {
    expect(layersIn(docker, architecture).map(({ name }) => name)).toEqual([one, two].map((l) => `blobs/sha256/${l}`));
  });

  it.each([
    ['fewer', [one]],
    ['other', [one, one]],
    ['reversed', [two, one]],
  ])('is refused if it has %s layers', (_, docker) => {
    expect(() => layersIn(docker)).toThrow('index.json and manifest.json name different layers');
  });
});
