import { expectedInterpreter, pythonDirectoryOf } from '../buildroot/python-directory.ts';
import type { Source } from '../buildroot/source.ts';
import type { PayloadPath } from '../files/path.ts';
import { type Interpreter, mismatchReason } from './interpreter.ts';

/** The directory of a Python that comes with an application, as LibreOffice has `program/python-core-3.10.13`. */
const privatePython = /^.*?\/python-core-(?<version>3\.\d+)[^/]*(?=\/)/;

/**
 * A message for each directory that is compiled by another release than that whose name it has: no interpreter will load
 * those pycs.
 */
export function foreignDirectories(
  sources: readonly Source[],
  interpretersOf: (source: Source) => readonly Interpreter[],
): string[] {
  const warnings = new Map<PayloadPath, string>();
  for (const source of sources) {
    const place = placeOf(source.payload);
    if (place === undefined || warnings.has(place.directory)) continue;
    for (const interpreter of interpretersOf(source)) {
      if (mismatchReason(interpreter, expectedInterpreter(place.command)) === undefined) continue;
      const compiler = `${interpreter.executable} (Python ${interpreter.version})`;
      warnings.set(
        place.directory,
        `${place.directory}: compiled by ${compiler}, but read by ${place.command}, which does not load its pycs`,
      );
    }
  }
  return [...warnings.values()];
}

function placeOf(payload: PayloadPath): { readonly directory: PayloadPath; readonly command: string } | undefined {
  const place = pythonDirectoryOf(payload);
  if (place !== undefined) return place.kind === 'interpreter' ? place : undefined;
  const match = privatePython.exec(payload);
  return match === null
    ? undefined
    : { directory: match[0] as PayloadPath, command: `python${match.groups?.['version']}` };
}
