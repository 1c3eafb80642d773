import * as z from 'zod';

/**
 * The JSON of container images.
 * @see the OCI image specification (index, manifest, descriptor, platform), and `docker save` of Docker's engine
 */
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be a SHA-256');

const platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });

const descriptor = z.object({
  digest,
  platform: platform.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** What an index or a manifest says of a blob. */
export type Descriptor = z.output<typeof descriptor>;

/** `index.json`, and the indexes that it may name. */
export const indexSchema = z.object({ manifests: z.array(descriptor).min(1, 'lists no image') });

/** The manifest of one image for one platform. Its layers are in the order in which they are applied. */
const manifestSchema = z.object({
  config: z.object({ digest }).optional(),
  layers: z.array(z.object({ digest })),
});

/** What an index may name. */
export const documentSchema = z.union([indexSchema, manifestSchema], {
  error: 'is neither an index nor the manifest of an image',
});

/** `manifest.json` of `docker save`. */
export const dockerSchema = z
  .array(z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()) }))
  .min(1, 'lists no image');

/** What is read of an image's configuration: its platform, and the digest of each layer's tar before compression. */
export const configSchema = platform.partial().extend({ rootfs: z.object({ diff_ids: z.array(digest) }) });

/** Which image of several is meant. */
export interface ImageChoice {
  /** Its name or tag in the index. */
  readonly reference?: string | undefined;
  /** `os/architecture` or `os/architecture/variant`. */
  readonly platform?: string | undefined;
  /** The platform to prefer where none was asked for. */
  readonly ownPlatform: string;
}

/** Chooses an image of an index. @returns why none can be chosen, where none can */
export function chooseImage(images: readonly Descriptor[], choice: ImageChoice): Descriptor | { readonly no: string } {
  // An attestation is about an image: buildkit gives it an unknown platform.
  const real = images.filter(({ platform }) => platform?.os !== 'unknown');
  const { reference, platform, ownPlatform } = choice;
  const named = reference === undefined ? real : real.filter((image) => isNamed(image, reference));
  if (named.length === 0) return { no: `has no image ${reference ?? ''}; it has ${list(real.map(nameOf))}` };
  const ofPlatform = (wanted: string) => named.filter((image) => fits(image, wanted));
  const fitting = platform === undefined ? named : ofPlatform(platform);
  if (fitting.length === 0) return { no: `has no image for ${platform}; it has ${list(named.map(platformOf))}` };
  const own = fitting.length > 1 && hasPlatforms(fitting) ? ofPlatform(ownPlatform) : fitting;
  const [first, ...others] = own.length === 0 ? fitting : own;
  if (first !== undefined && others.length === 0) return first;
  if (hasPlatforms(fitting)) return { no: `has images for ${list(fitting.map(platformOf))}: choose with --platform` };
  return { no: `has ${fitting.length} images, ${list(fitting.map(nameOf))}: choose one as FILE:NAME` };
}

/** Whether all are for different platforms. */
function hasPlatforms(images: readonly Descriptor[]): boolean {
  return new Set(images.map(platformOf)).size === images.length && images.every((image) => image.platform);
}

function fits(image: Descriptor, wanted: string): boolean {
  // An index of one image often names no platform: its configuration does.
  return image.platform === undefined || isFor(image.platform, wanted);
}

interface ActualPlatform {
  readonly os?: string | undefined;
  readonly architecture?: string | undefined;
  readonly variant?: string | undefined;
}

/** Whether something is for a platform that the user named. Without a variant, any will do. */
export function isFor(actual: ActualPlatform, wanted: string): boolean {
  const plain = `${actual.os}/${actual.architecture}`;
  return wanted === plain || wanted === `${plain}/${actual.variant ?? ''}`;
}

function platformOf({ platform }: Descriptor): string {
  if (platform === undefined) return 'no platform';
  return [platform.os, platform.architecture, ...(platform.variant === undefined ? [] : [platform.variant])].join('/');
}

const nameAnnotations = ['org.opencontainers.image.ref.name', 'io.containerd.image.name'] as const;

function isNamed({ annotations, digest: own }: Descriptor, reference: string): boolean {
  return own === reference || nameAnnotations.some((name) => annotations?.[name] === reference);
}

function nameOf({ annotations, digest: own }: Descriptor): string {
  return nameAnnotations.map((name) => annotations?.[name]).find((name) => name !== undefined) ?? own;
}

function list(words: readonly string[]): string {
  return words.length > 5 ? `${words.slice(0, 5).join(', ')} and ${words.length - 5} more` : words.join(', ');
}
