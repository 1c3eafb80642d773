import type { Source } from '../buildroot/source.ts';
import type { Environment } from '../compile/environment.ts';
import type { Interpreter } from '../compile/interpreter.ts';

/** What a build needs besides its options. */
export interface BuildContext {
  readonly environment: Environment;
  /** Called when an interpreter starts to compile these sources. */
  readonly onInterpreter: (interpreter: Interpreter, sources: readonly Source[]) => void;
  /** Warns the reader of the log at once. */
  readonly warn: (message: string) => void;
  /** Called when `done` of `total` sources are finished. */
  readonly onProgress: (done: number, total: number) => void;
}
