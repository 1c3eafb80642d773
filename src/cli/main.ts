import { CommanderError } from 'commander';
import type { Environment } from '../compile/environment.ts';
import { errnoOf, exitStatus, messageOf, PyclinkError } from '../errors.ts';
import { isReplaced } from '../pipeline/option-values.ts';
import { Call, type Streams } from './call.ts';
import { frontDoors } from './front-doors.ts';
import { createProgram, isSubcommand } from './program.ts';

/**
 * Runs pyclink.
 * @param argv the arguments, without the names of node and of the program
 * @returns the exit status
 */
export async function main(argv: readonly string[], environment: Environment, streams: Streams): Promise<number> {
  const call = new Call(environment, streams);
  const [name = '', ...words] = argv;
  const frontDoor = frontDoors.get(name);
  const subcommand = frontDoor === undefined ? argv.find(isSubcommand) : name;
  try {
    const notUtf8 = argv.find(isReplaced);
    if (notUtf8 !== undefined) throw new PyclinkError('usage', `${notUtf8}: an argument must be UTF-8`);
    if (frontDoor !== undefined) await frontDoor.run(words, call);
    else {
      const subcommands = subcommand === undefined ? {} : (await import('./subcommands.ts')).subcommands;
      await createProgram(call, subcommands).parseAsync([...argv], { from: 'user' });
    }
    return call.status;
  } catch (error) {
    return await explain(error, subcommand, call);
  }
}

/**
 * Logs an error.
 * @param subcommand the one that was called, if any
 * @returns the exit status for it
 */
async function explain(error: unknown, subcommand: string | undefined, call: Call): Promise<number> {
  if (error instanceof CommanderError && error.exitCode === 0) return exitStatus.done;
  // commander has already printed the help if there is no subcommand.
  if (error instanceof CommanderError && error.code === 'commander.help') return exitStatus.unusable;
  const log = await call.log();
  if (error instanceof CommanderError) {
    const [message = '', ...lines] = error.message.replace(/^error: /, '').split('\n');
    log.error({ lines, hint: helpFor(subcommand) }, message);
    return exitStatus.unusable;
  }
  if (error instanceof PyclinkError) {
    const { path, hint, message } = error;
    log.error({ path, hint }, message);
    return error.exitStatus;
  }
  // The codes of Node.js errors begin like this. They indicate bugs, not problems of the user.
  if (errnoOf(error)?.startsWith('ERR_') === false) {
    log.error(messageOf(error));
    return exitStatus.toolFailed;
  }
  const lines = error instanceof Error ? (error.stack?.split('\n') ?? []) : [];
  log.error({ lines, hint: 'this is a bug in pyclink' }, messageOf(error));
  return exitStatus.bug;
}

/** A hint to the help of a subcommand. */
function helpFor(subcommand: string | undefined): string {
  return (
    frontDoors.get(subcommand ?? '')?.help ?? `see pyclink ${subcommand === undefined ? '' : `${subcommand} `}--help`
  );
}
