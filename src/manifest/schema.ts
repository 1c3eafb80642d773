import * as z from 'zod';
import { type PayloadPath, plainPath } from '../files/path.ts';
import { invalidationModes } from '../pyc/header.ts';
import { arePycsOf, levels } from '../pyc/name.ts';
import { type SkipReason, skipReasons } from '../skipped.ts';
import { schemaVersion } from './schema-version.ts';

const payloadPath = z
  .string()
  .regex(/^\/[^\0]*$/, 'must be an absolute path')
  .refine((path) => plainPath(path) === path, 'must be a plain path, without "..", "//" or a trailing slash')
  .transform((path) => path as PayloadPath)
  .meta({ description: 'A path as installed.' });

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const pycRecord = z
  .looseObject({
    source: payloadPath.meta({ description: 'The source that the pycs were compiled from.' }),
    sourceSha256: sha256.optional().meta({ description: 'SHA-256 of the source when its pycs were written.' }),
    paths: z
      .array(payloadPath)
      .min(1)
      .meta({ description: 'The pycs, sorted. Two or more: they are hard links to one file.' }),
    cacheTag: z
      .string()
      .min(1)
      .optional()
      .meta({ description: 'Only for a pyc next to its source: the cache tag of its interpreter.' }),
    optimizationLevel: z
      .literal([...levels])
      .optional()
      .meta({ description: 'Only for a pyc next to its source.' }),
    sizeBytes: z.int().nonnegative(),
    sha256,
    mode: z
      .string()
      .regex(/^[0-7]{4}$/)
      .meta({ description: 'Permission bits, in octal.' }),
    invalidationMode: z
      .enum(invalidationModes)
      .meta({ description: 'How an interpreter checks the pyc against its source (PEP 552).' }),
    debugRanges: z.boolean().optional().meta({
      description: 'False: the line tables have no columns, although this Python writes them (PEP 657).',
    }),
    interpreterVersion: z.string().optional().meta({
      description: 'The interpreter that compiled, if it is known and several interpreters share the cache tag.',
    }),
  })
  .refine(({ source, paths, cacheTag }) => arePycsOf(source, paths, cacheTag), {
    error: 'the paths must be pycs of that source, with one cache tag, in one directory; or one next to it',
    path: ['paths'],
  });

const interpreter = z.looseObject({
  implementation: z.string(),
  version: z
    .string()
    .meta({ description: '3.N.M; 3.N for pycs that existed before the build, whose patch release is unknown.' }),
  cacheTag: z.string(),
  magicNumber: z.int().nonnegative(),
});

const skippedFile = z.looseObject({
  path: z.string().meta({ description: 'A path as installed; bytes that are not UTF-8 are written \\xNN.' }),
  reason: z
    .enum(Object.keys(skipReasons) as SkipReason[])
    .or(z.string())
    .meta({ description: 'Later versions may add reasons.' }),
  message: z.string().optional(),
});

/**
 * What a build wrote and linked. Unknown fields are kept, because later versions may write them. The manifest contains
 * no times, inodes, job counts or host paths: the same input gives the same bytes.
 */
export const manifestSchema = z
  .looseObject({
    schemaVersion: z.literal(schemaVersion),
    pyclink: z.string().meta({ description: 'The version of pyclink that wrote this file.' }),
    interpreters: z.array(interpreter).meta({ description: 'The interpreters that compiled.' }),
    optimizationLevels: z.array(z.literal([...levels])),
    invalidationModes: z.array(z.enum(invalidationModes)),
    linkGroups: z.array(pycRecord).meta({ description: 'The sets of pycs that share one file.' }),
    singlePycs: z.array(pycRecord).meta({ description: 'The pycs that are not linked.' }),
    skipped: z.array(skippedFile).meta({ description: 'Files that were skipped or not linked, and why.' }),
    totals: z.looseObject({
      pycs: z.int().nonnegative(),
      linkGroups: z.int().nonnegative(),
      links: z.int().nonnegative().meta({ description: 'How many pycs are hard links to another pyc.' }),
      sizeBytesWithoutLinks: z.int().nonnegative(),
      sizeBytes: z.int().nonnegative(),
    }),
  })
  .meta({ title: 'pyclink manifest', description: 'The pycs of a package and the hard links among them.' });

/** The type without the fields of later versions, which are kept but unknown. */
type Known<T> = T extends string
  ? T
  : T extends readonly (infer E)[]
    ? Known<E>[]
    : T extends object
      ? { [K in keyof T as string extends K ? never : K]: Known<T[K]> }
      : T;

export type Manifest = Known<z.output<typeof manifestSchema>>;
export type PycRecord = Manifest['linkGroups'][number];
export type ManifestInterpreter = Manifest['interpreters'][number];
export type ManifestSkipped = Manifest['skipped'][number];

/** The schema for readers in other languages, published as docs/manifest.schema.json. @see https://json-schema.org */
export function manifestJsonSchema(): object {
  return z.toJSONSchema(manifestSchema, { io: 'input' });
}
