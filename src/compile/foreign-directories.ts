import { expectedInterpreter, readerByName } from '../buildroot/python-directory.ts';
import type { Source } from '../buildroot/source.ts';
import type { PayloadPath } from '../files/path.ts';
import { type Interpreter, mismatchReason } from './interpreter.ts';

/**
 * Returns a warning for each directory that is compiled by another release than the one in its name: no interpreter
 * will load those pycs.
 */
export function foreignDirectories(
  sources: readonly Source[],
  interpretersOf: (source: Source) => readonly Interpreter[],
): string[] {
  const warnings = new Map<PayloadPath, string>();
  for (const source of sources) {
    const place = readerByName(source.payload);
    if (place === undefined || warnings.has(place.directory)) continue;
    for (const interpreter of interpretersOf(source)) {
      if (mismatchReason(interpreter, expectedInterpreter(place.command)) === undefined) continue;
      const compiler = `${interpreter.executable} (Python ${interpreter.version})`;
      warnings.set(
        place.directory,
        `${place.directory}: compiled by ${compiler}, but used by ${place.command}, which cannot load these pycs`,
      );
    }
  }
  return [...warnings.values()];
}
