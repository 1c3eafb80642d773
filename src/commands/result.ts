import type { exitStatus } from '../errors.ts';

/** The result of a subcommand. The command line prints it. */
export interface CommandResult<D = unknown> {
  readonly status: (typeof exitStatus)['done' | 'problems' | 'toolFailed'];
  /** The report for people. */
  readonly text: string;
  /** The report for `--json`. */
  readonly data: D;
}
