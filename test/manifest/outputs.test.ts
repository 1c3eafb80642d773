import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { completeManifest } from '../../src/manifest/encode.ts';
import { manifestPieces, writeWhole } from '../../src/manifest/file.ts';
import { openOutputs } from '../../src/manifest/outputs.ts';
import { plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const empty = completeManifest('0.1.0', { interpreters: [], records: [], skipped: [] });

describe('openOutputs', () => {
  it('refuses to append to a manifest that cannot be read', async () => {
    const buildroot = openTree(plantBuildroot({}));
    const manifest = join(temporaryDirectory(), 'manifest');
    const open = (append: boolean) =>
      openOutputs(buildroot, { manifest, append, filelist: undefined, filelistFor: [] });
    expect(await open(true)).toMatchObject({ manifest, append: true });
    writeWhole(manifest, manifestPieces(empty));
    expect(await open(true)).toMatchObject({ manifest, append: true });
    writeWhole(manifest, ['{']);
    await expect(open(true)).rejects.toMatchObject({ code: 'manifest-unusable', path: manifest });
    expect(await open(false)).toMatchObject({ manifest, append: false });
  });
});
