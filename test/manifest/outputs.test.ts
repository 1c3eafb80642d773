import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTree } from '../../src/buildroot/open.ts';
import { completeManifest } from '../../src/manifest/encode.ts';
import { manifestPieces, writeWhole } from '../../src/manifest/file.ts';
import { openOutputs } from '../../src/manifest/outputs.ts';
import { plantBuildroot, temporaryDirectory } from '../helpers/buildroot.ts';

const empty = completeManifest('0.1.0', { interpreters: [], records: [], skipped: [] });

describe('openOutputs', () => {
  it('reads an earlier manifest if it is there and is to be kept', async () => {
    const buildroot = openTree(plantBuildroot({}));
    const manifest = join(temporaryDirectory(), 'manifest');
    const open = async (append: boolean) =>
      (await openOutputs(buildroot, { manifest, append, filelist: undefined, filelistFor: [] })).earlier;
    expect(await open(true)).toBeUndefined();
    writeWhole(manifest, manifestPieces(empty));
    expect(await open(true)).toEqual(empty);
    expect(await open(false)).toBeUndefined();
    writeWhole(manifest, ['{']);
    await expect(open(true)).rejects.toMatchObject({ code: 'manifest-unusable', path: manifest });
    expect(await open(false)).toBeUndefined();
  });
});
