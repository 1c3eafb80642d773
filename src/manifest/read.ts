import { readFileSync } from 'node:fs';
import type { z } from 'zod';
import { errnoOf, PyclinkError } from '../errors.ts';
import { type Manifest, manifestSchema } from './schema.ts';

/** Reads a manifest. @throws PyclinkError `manifest-unusable`, naming its problems */
export function readManifest(path: string): Manifest {
  const unusable = (reason: string, cause?: unknown) => new PyclinkError('manifest-unusable', reason, { path, cause });
  const parsed = manifestSchema.safeParse(readJson(path, 'manifest', unusable));
  if (!parsed.success) throw unusable(`is not a manifest that this version can read: ${firstIssues(parsed.error)}`);
  return parsed.data;
}

/** Reads a file in JSON. @throws what `unusable` makes of the reason why it cannot be read */
export function readJson(path: string, what: string, unusable: (reason: string, cause: unknown) => Error): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw unusable('is not JSON', error);
    throw unusable(`the ${what} cannot be read (${errnoOf(error)})`, error);
  }
}

/** Shows the first problems only: a corrupt file may have one in each line. */
function firstIssues({ issues }: z.ZodError): string {
  const shown = issues.slice(0, 3).map(({ path, message }) => `${path.join('.') || 'top level'}: ${message}`);
  return [...shown, ...(issues.length > 3 ? [`and ${issues.length - 3} more`] : [])].join('; ');
}
