import type { exitStatus } from '../errors.ts';

/** What a subcommand hands to the command line: nothing is printed before. */
export interface CommandResult<D = unknown> {
  readonly status: (typeof exitStatus)['done' | 'problems'];
  /** The report for people. */
  readonly text: string;
  /** The same for machines. */
  readonly data: D;
}
