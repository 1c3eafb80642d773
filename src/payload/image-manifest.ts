import * as z from 'zod';

/**
 * The JSON of container images.
 * @see the OCI image specification (index, manifest, descriptor, platform), and `docker save` of Docker's engine
 */
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'must be a SHA-256');

const platform = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });
const anyPlatform = platform.partial();

const descriptor = z.object({
  digest,
  platform: platform.optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

/** The description of a blob in an index or a manifest. */
export type Descriptor = z.output<typeof descriptor>;

/** `index.json`, and the indexes that it lists. */
export const indexSchema = z.object({ manifests: z.array(descriptor).min(1, 'lists no image') });

/** The manifest of an image for one platform. Its layers are in the order of application. */
const manifestSchema = z.object({
  config: z.object({ digest }).optional(),
  layers: z.array(z.object({ digest })),
});

/** What an index may list. */
export const documentSchema = z.union([indexSchema, manifestSchema], {
  error: 'is neither an index nor the manifest of an image',
});

/** `manifest.json` of `docker save`. */
export const dockerSchema = z
  .array(z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()) }))
  .min(1, 'lists no image');

/** The fields to read of an image's configuration: its platform, and the digest of each uncompressed layer. */
export const configSchema = anyPlatform.extend({ rootfs: z.object({ diff_ids: z.array(digest) }) });

/** Selects an image. */
export interface ImageChoice {
  /** Its name or tag in the index. */
  readonly reference?: string | undefined;
  /** `os/architecture` or `os/architecture/variant`. */
  readonly platform?: string | undefined;
  /** The platform to prefer if none is requested. */
  readonly ownPlatform: string;
}

/** Chooses an image of an index. @returns the reason if none can be chosen */
export function chooseImage(images: readonly Descriptor[], choice: ImageChoice): Descriptor | { readonly no: string } {
  // buildkit lists attestations as images with an unknown platform.
  const real = images.filter(({ platform }) => platform?.os !== 'unknown');
  const { reference, platform, ownPlatform } = choice;
  const named = reference === undefined ? real : real.filter((image) => isNamed(image, reference));
  if (named.length === 0) return { no: `has no image ${reference ?? ''}; it has ${list(real.map(nameOf))}` };
  // An index of one image often gives no platform; the image's configuration does.
  const ofPlatform = (wanted: string) =>
    named.filter((image) => image.platform === undefined || isFor(image.platform, wanted));
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

/** Whether a platform is the one that the user named. Without a variant, any variant fits. */
export function isFor({ os, architecture, variant = '' }: z.output<typeof anyPlatform>, wanted: string): boolean {
  return wanted === `${os}/${architecture}` || wanted === `${os}/${architecture}/${variant}`;
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
