import type { CommandResult } from '../commands/result.ts';
import type { Environment } from '../compile/environment.ts';
import { exitStatus, PyclinkError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isReplaced } from '../pipeline/option-values.ts';
import type { CommonFlags } from './options.ts';

/** The output streams of a call: the report goes to `stdout`, the log to `stderr`. */
export interface Streams {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream & {
    readonly isTTY?: boolean;
    readonly hasColors?: (environment: Environment) => boolean;
  };
}

/** A call of pyclink: its environment and streams, and its exit status so far. */
export class Call {
  readonly environment: Environment;
  readonly streams: Streams;
  status: number = exitStatus.done;
  /** Created once. */
  #log: Promise<Log> | undefined;

  constructor(environment: Environment, streams: Streams) {
    this.environment = environment;
    this.streams = streams;
  }

  /** The log, created by the first call with the flags of that call. */
  log(flags: CommonFlags = {}): Promise<Log> {
    this.#log ??= this.#makeLog(flags);
    return this.#log;
  }

  async #makeLog({ quiet, verbose }: CommonFlags): Promise<Log> {
    const { createLog } = await import('../log.ts');
    const { PYCLINK_LOG_FORMAT: format = '' } = this.environment;
    const level = quiet === true ? 'warn' : verbose === true ? 'debug' : 'info';
    const { stderr } = this.streams;
    const hasColour = this.isWatched && stderr.hasColors?.(this.environment) === true;
    const log = createLog(level, format === 'json' ? 'json' : 'lines', stderr, hasColour);
    if (!['', 'json', 'lines'].includes(format)) log.warn(`PYCLINK_LOG_FORMAT: takes json or lines, not ${format}`);
    return log;
  }

  /** The buildroot that the environment names. @throws PyclinkError `usage` if it is not UTF-8 */
  get buildroot(): string {
    const { RPM_BUILD_ROOT: buildroot = '' } = this.environment;
    if (isReplaced(buildroot)) throw new PyclinkError('usage', 'RPM_BUILD_ROOT: must be UTF-8');
    return buildroot;
  }

  /** Whether a person is likely to watch the log. Some build systems record a terminal. */
  get isWatched(): boolean {
    const { CI: ci, TERM: terminal } = this.environment;
    return this.streams.stderr.isTTY === true && !ci && terminal !== 'dumb';
  }

  /** Writes the report of a command, and sets the exit status. */
  report({ status, text, data }: CommandResult, { json, quiet }: CommonFlags = {}): void {
    this.status = status;
    if (json === true) this.streams.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
    else if (quiet !== true || status !== exitStatus.done) this.streams.stdout.write(text);
  }
}
