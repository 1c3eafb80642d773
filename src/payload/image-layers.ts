import { arch } from 'node:os';
import type * as z from 'zod';
import { PyclinkError } from '../errors.ts';
import { sha256Of } from '../sha256.ts';
import type { ImageFiles } from './image-files.ts';
import {
  chooseImage,
  configSchema,
  dockerSchema,
  documentSchema,
  type ImageChoice,
  indexSchema,
  isFor,
} from './image-manifest.ts';

/** An image to read. */
export interface ImageTarget {
  readonly files: ImageFiles;
  /** The path that the user gave, without the reference. */
  readonly path: string;
  readonly reference?: string | undefined;
  readonly platform?: string | undefined;
}

/** A layer, as the manifest of its image describes it. */
export interface LayerPlace {
  /** The name of its file in the image. */
  readonly name: string;
  /** `layer 2 of 3 (sha256:0123456789ab)` */
  readonly label: string;
  /** The digest of the file, or of the uncompressed tar. */
  readonly digest: { readonly of: 'file' | 'tar'; readonly sha256: string } | undefined;
}

/**
 * The layers of an image, in the order of application.
 * @throws PyclinkError `usage` if several images fit, `tool-failed` if its JSON is damaged
 */
export function layersOf(target: ImageTarget): LayerPlace[] {
  return target.files.read('oci-layout') === undefined ? dockerLayers(target) : ociLayers(target);
}

/** The layers of an OCI layout. */
function ociLayers(target: ImageTarget): LayerPlace[] {
  let choice: ImageChoice = { reference: target.reference, platform: target.platform, ownPlatform: ownPlatform() };
  let index = parsed(target, 'index.json', indexSchema);
  // An index may list indexes, one per image, that list manifests, one per platform.
  for (let depth = 0; depth < maxDepth; depth++) {
    const chosen = chooseImage(index.manifests, choice);
    if ('no' in chosen) throw unclear(target, chosen.no);
    const document = parsed(target, blobName(chosen.digest), documentSchema, chosen.digest);
    if ('manifests' in document) {
      index = document;
      choice = { ...choice, reference: undefined };
      continue;
    }
    const config = document.config && blobName(document.config.digest);
    if (config !== undefined && chosen.platform === undefined) refuseOther(target, config);
    const layers = document.layers.map(({ digest }, i) => ociLayer(digest, i, document.layers.length));
    refuseTwo(target, config, layers);
    return layers;
  }
  throw damaged(target, 'its indexes are nested too deeply');
}

const maxDepth = 8;

/** Refuses an OCI layout that `docker load` would read as a different image of the same platform. */
function refuseTwo(target: ImageTarget, config: string | undefined, layers: readonly LayerPlace[]): void {
  const isThere = (name: string | undefined): name is string =>
    name !== undefined && target.files.read(name) !== undefined;
  if (!isThere('manifest.json')) return;
  const platformIn = (name: string | undefined) => {
    const { os, architecture } = isThere(name) ? parsed(target, name, configSchema) : {};
    return `${os}/${architecture}`;
  };
  const isNamed = (tags: readonly string[] | null | undefined) => tags?.includes(target.reference ?? '') === true;
  const images = parsed(target, 'manifest.json', dockerSchema);
  const named = images.filter(({ RepoTags }) => isNamed(RepoTags));
  const candidates = named.length > 0 ? named : images;
  if (candidates.some(({ Layers }) => Layers.join('\n') === layers.map(({ name }) => name).join('\n'))) return;
  const isOfOther = ({ Config }: { Config: string }) => platformIn(Config) !== platformIn(config);
  if (!candidates.every(isOfOther))
    throw damaged(target, 'index.json and manifest.json name different layers, so programs interpret it differently');
}

/** The layers in the output of `docker save`, from an engine without an image store. */
function dockerLayers(target: ImageTarget): LayerPlace[] {
  const images = parsed(target, 'manifest.json', dockerSchema);
  const { reference } = target;
  const named = reference === undefined ? images : images.filter(({ RepoTags: tags }) => tags?.includes(reference));
  const [image, ...others] = named;
  const names = images.flatMap(({ RepoTags: tags }) => tags ?? []).join(', ');
  if (image === undefined) throw unclear(target, `has no image ${reference}; it has ${names}`);
  if (others.length > 0) throw unclear(target, `has ${named.length} images, ${names}: choose one as FILE:NAME`);
  const { rootfs } = parsed(target, image.Config, configSchema);
  refuseOther(target, image.Config);
  return image.Layers.map((name, i) => {
    const digest = rootfs.diff_ids[i];
    const inName = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(name)?.[1];
    if (inName !== undefined) return ociLayer(`sha256:${inName}`, i, image.Layers.length);
    return {
      name,
      label: layerLabel(i, image.Layers.length, digest),
      digest: digest === undefined ? undefined : { of: 'tar', sha256: hexOf(digest) },
    };
  });
}

/** Refuses an image that is for another platform than the requested one. */
function refuseOther(target: ImageTarget, config: string): void {
  if (target.platform === undefined) return;
  const actual = parsed(target, config, configSchema);
  if (actual.os === undefined || isFor(actual, target.platform)) return;
  throw unclear(target, `has no image for ${target.platform}; it has ${actual.os}/${actual.architecture}`);
}

function ociLayer(digest: string, i: number, count: number): LayerPlace {
  return { name: blobName(digest), label: layerLabel(i, count, digest), digest: { of: 'file', sha256: hexOf(digest) } };
}

function layerLabel(i: number, count: number, digest = ''): string {
  return `layer ${i + 1} of ${count}${digest === '' ? '' : ` (${digest.slice(0, 'sha256:'.length + 12)})`}`;
}

/** Reads a JSON file. @param digest of its bytes, if it is known */
function parsed<T extends z.ZodType>(target: ImageTarget, name: string, schema: T, digest?: string): z.output<T> {
  const bytes = target.files.read(name);
  const what = digest === undefined ? name : `the manifest ${digest}`;
  if (bytes === undefined) throw damaged(target, `${what} is missing`);
  const isOther = digest !== undefined && sha256Of(bytes) !== hexOf(digest);
  if (isOther) throw damaged(target, `${what} does not match its digest`);
  let data: unknown;
  try {
    data = JSON.parse(bytes.toString());
  } catch {
    throw damaged(target, `${name} is not JSON`);
  }
  const result = schema.safeParse(data);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw damaged(target, `${name}: ${issue?.path.join('.') || 'top level'}: ${issue?.message}`);
}

function blobName(digest: string): string {
  return `blobs/sha256/${hexOf(digest)}`;
}

function hexOf(digest: string): string {
  return digest.slice('sha256:'.length);
}

/** @see GOARCH in Go, whose names images use */
function ownPlatform(): string {
  const names: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386', ppc64: 'ppc64le' };
  return `linux/${names[arch()] ?? arch()}`;
}

function unclear({ path }: ImageTarget, reason: string): PyclinkError {
  return new PyclinkError('usage', reason, { path });
}

/** The error for a damaged image. */
export function damaged({ path }: ImageTarget, reason: string): PyclinkError {
  return new PyclinkError('tool-failed', `the image is damaged: ${reason}`, { path });
}
