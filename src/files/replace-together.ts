import { existsSync, linkSync, renameSync, unlinkSync } from 'node:fs';
import { errnoOf } from '../errors.ts';
import { withDirectory } from './directory.ts';
import { ifPossible, ifRefused } from './if-possible.ts';
import { temporaryName } from './leftovers.ts';
import { nameOf, parentOf, type StagedPath } from './path.ts';
import { type Attributes, writeVersion } from './replace.ts';

/** A file to replace. */
export interface NewVersion {
  /** The names of the file. */
  readonly paths: readonly StagedPath[];
  readonly oldContent: Buffer;
  readonly newContent: Buffer;
  /** Copied to the new version. */
  readonly attributes: Attributes;
  /** Whether a name still is the file to replace. */
  readonly isStill: (name: string) => boolean;
}

/** Why nothing was replaced. */
interface Hindrance {
  /** Undefined if `commit` failed, not a file. */
  readonly path?: StagedPath;
  readonly message: string;
}

/** A name to replace. */
interface Step {
  readonly file: NewVersion;
  /** The step for the first name of the same file. */
  readonly first: Step | undefined;
  readonly path: StagedPath;
  /** The name of the new file, in the same directory. */
  readonly fresh: string;
  /** A second name of the old file or of a copy, in the same directory. */
  readonly backup: string;
}

/**
 * Replaces all of these files, or none. Every name exists and is complete at every instant. Steps that are likely to
 * fail come before the first replacement; a later failure restores the old files. The names of a file remain one file
 * if the file system allows it.
 * @param commit called when all new files are ready, before the first replacement; returns the reason if it failed
 * @param undo reverts `commit`, also after it failed midway; returns the reason if it could not
 * @returns the reason why nothing was replaced; undefined on success
 */
export function replaceTogether(
  files: readonly NewVersion[],
  commit: () => string | undefined,
  undo: () => string | undefined,
): Hindrance | undefined {
  const steps = files.flatMap(stepsOf);
  const replaced: Step[] = [];
  const replace = (step: Step, held: string) => {
    const old = `${held}/${nameOf(step.path)}`;
    if (!step.file.isStill(old)) return changed;
    renameSync(`${held}/${step.fresh}`, old);
    replaced.push(step);
    return undefined;
  };
  try {
    const unready = firstFailure(steps, prepare);
    if (unready !== undefined) return unready;
    const refusal = commit();
    const failure = refusal === undefined ? firstFailure(steps, replace) : { message: refusal };
    if (failure === undefined) return undefined;
    const lost = replaced
      .flatMap((step) => attempt(step, putBack) ?? [])
      .map(({ path, message }) => `${path} ${message}`);
    const notBack = [...lost, ...[undo() ?? []].flat()];
    return notBack.length === 0
      ? failure
      : { ...failure, message: `${failure.message}; not restored: ${notBack.join(', ')}` };
  } finally {
    for (const step of steps)
      ifPossible(() => withDirectory(parentOf(step.path), (held) => removeTemporary(step, held)));
  }
}

const changed = 'the file changed while it was read';

function stepsOf(file: NewVersion): Step[] {
  let first: Step | undefined;
  return file.paths.map((path) => {
    const step: Step = { file, first, path, fresh: temporaryName(), backup: temporaryName() };
    first ??= step;
    return step;
  });
}

/** @returns the result of the first step that failed */
function firstFailure(
  steps: readonly Step[],
  work: (step: Step, held: string) => string | undefined,
): Required<Hindrance> | undefined {
  for (const step of steps) {
    const failure = attempt(step, work);
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** @param work gets a path to the directory; returns the reason if it failed */
function attempt(step: Step, work: (step: Step, held: string) => string | undefined): Required<Hindrance> | undefined {
  const { path } = step;
  const message = ifRefused(
    () => withDirectory(parentOf(path), (held) => work(step, held)),
    (error) => `cannot be replaced (${errnoOf(error)})`,
  );
  return message === undefined ? undefined : { path, message };
}

/** Creates the new file and the backup. @throws the system's error */
function prepare(step: Step, held: string): string | undefined {
  const { newContent, oldContent, attributes, isStill } = step.file;
  const old = `${held}/${nameOf(step.path)}`;
  const [fresh, backup] = [`${held}/${step.fresh}`, `${held}/${step.backup}`];
  if (!isStill(old)) return changed;
  if (step.first === undefined || !linkToFirst(step.first, fresh)) {
    writeVersion(fresh, newContent, attributes, old);
  }
  const refusal = refusalToLink(old, backup);
  if (refusal !== undefined) {
    // If another file can be linked, this one is immutable or a mount point and cannot be replaced.
    if (refusalToLink(fresh, backup) === undefined) throw refusal;
    writeVersion(backup, oldContent, attributes, old);
  }
  return isStill(backup) ? undefined : changed;
}

function linkToFirst({ path, fresh }: Step, name: string): boolean {
  return withDirectory(parentOf(path), (held) => refusalToLink(`${held}/${fresh}`, name) === undefined);
}

function refusalToLink(file: string, name: string): unknown {
  return ifRefused(
    () => linkSync(file, name),
    (error) => error,
  );
}

function putBack({ path, backup }: Step, held: string): undefined {
  renameSync(`${held}/${backup}`, `${held}/${nameOf(path)}`);
}

function removeTemporary({ fresh, backup }: Step, held: string): void {
  for (const name of [`${held}/${fresh}`, `${held}/${backup}`]) {
    if (existsSync(name)) ifPossible(() => unlinkSync(name));
  }
}
