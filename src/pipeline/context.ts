import type { Source } from '../buildroot/source.ts';
import type { Environment } from '../compile/environment.ts';
import type { Interpreter } from '../compile/interpreter.ts';

/** What a build knows of its process. */
export interface Surroundings {
  readonly environment: Environment;
}

/** What a build needs besides its options. */
export interface BuildContext extends Surroundings {
  /** An interpreter starts to compile these sources. */
  readonly onInterpreter: (interpreter: Interpreter, sources: readonly Source[]) => void;
  /** Something that the reader of a log should know at once. */
  readonly warn: (message: string) => void;
  /** `done` of `total` sources are done. */
  readonly onProgress: (done: number, total: number) => void;
}
