import type { exitStatus } from '../errors.ts';

/** The options of the subcommands that change a tree without compiling. */
export interface TreeOptions {
  readonly buildroot: string | undefined;
  /** The directory where the tree will be installed. */
  readonly prepend?: string | undefined;
  readonly dryRun: boolean;
}

/** The result of a subcommand. The command line prints it. */
export interface CommandResult<D = unknown> {
  readonly status: (typeof exitStatus)['done' | 'problems' | 'toolFailed'];
  /** The report for people. */
  readonly text: string;
  /** The report for `--json`. */
  readonly data: D;
}
