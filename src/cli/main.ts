import { CommanderError } from 'commander';
import type { Environment } from '../compile/environment.ts';
import { errnoOf, exitStatus, messageOf, PyclinkError } from '../errors.ts';
import { Call, type Streams } from './call.ts';
import { createProgram, isSubcommand } from './program.ts';

/**
 * Runs pyclink with these arguments.
 * @param argv the arguments, without the names of node and of the program
 * @returns the exit status
 */
export async function main(argv: readonly string[], environment: Environment, streams: Streams): Promise<number> {
  const call = new Call(environment, streams);
  try {
    const [name, ...words] = argv;
    if (name === 'brp') await (await import('./brp.ts')).brp(words, call);
    else if (name === 'dh') await (await import('./dh.ts')).dh(words, call);
    else {
      const subcommands = isSubcommand(name) ? (await import('./subcommands.ts')).subcommands : {};
      await createProgram(call, subcommands).parseAsync([...argv], { from: 'user' });
    }
    return call.status;
  } catch (error) {
    return await explain(error, call);
  }
}

/** Logs what was thrown. @returns the exit status that goes with it */
async function explain(error: unknown, call: Call): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return exitStatus.done;
  const log = await call.log();
  if (error instanceof CommanderError) {
    const [message = '', ...lines] = error.message.replace(/^error: /, '').split('\n');
    log.error({ lines, hint: 'see pyclink --help' }, message);
    return exitStatus.unusable;
  }
  if (error instanceof PyclinkError) {
    const { path, hint, message } = error;
    log.error({ path, hint }, message);
    return error.exitStatus;
  }
  // Node's own codes begin so; they are for programmers.
  if (errnoOf(error)?.startsWith('ERR_') === false) {
    log.error(messageOf(error));
    return exitStatus.toolFailed;
  }
  const lines = error instanceof Error ? (error.stack?.split('\n') ?? []) : [];
  log.error({ lines, hint: 'this is a bug in pyclink' }, messageOf(error));
  return exitStatus.bug;
}
