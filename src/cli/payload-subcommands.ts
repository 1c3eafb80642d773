import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { auditFormats } from '../audit/formats.ts';
import { auditKindNames } from '../audit/kinds.ts';
import type { AuditOptions } from '../commands/audit.ts';
import type { VerifyOptions } from '../commands/verify.ts';
import type { Call } from './call.ts';
import { collect, type Flags, fileOption, withCommonOptions } from './options.ts';
import { readJobs, readOptionsOf, readPrepend, withPrepend, withReadOptions } from './read-options.ts';

const htmlHelp = 'write an HTML page with the savings and the findings';

/** Adds the arguments, options and action of `verify`. */
export function verify(command: Command, call: Call): Command {
  const manifest = new Option('--manifest <file>', 'a manifest that a build wrote, repeatable').argParser<string[]>(
    collect,
  );
  const allow = new Option(
    '--allow <glob>',
    'accept pycs that are in no manifest, repeatable; not needed for other packages if TARGET is a whole system',
  );
  return withPrepend(withReadOptions(withCommonOptions(command).addOption(manifest.makeOptionMandatory())))
    .argument(
      '<TARGET...>',
      'directories that hold the payload, all packages of a build or their directory, or container images (FILE[:NAME])',
    )
    .addOption(allow.argParser<string[]>(collect))
    .addOption(fileOption('--html <file>', htmlHelp))
    .action(async (targets: string[], flags: Flags & Partial<VerifyOptions> & { manifest: string[] }) => {
      const { verifyCommand } = await import('../commands/verify.ts');
      const read = { ...readOptionsOf(flags), prepend: readPrepend(flags) };
      call.report(await verifyCommand({ ...flags, manifests: flags.manifest, targets, ...read }), flags);
      await sayPage(flags.html, call, flags);
    });
}

/** Adds the arguments, options and action of `audit`. */
export function audit(command: Command, call: Call): Command {
  const kinds: readonly string[] = auditKindNames;
  const each = (flags: string, help: string) =>
    new Option(flags, help).choices(kinds).argParser((kind: string, earlier: string[] = []) => {
      if (!kinds.includes(kind)) throw new InvalidArgumentError(`Allowed choices are ${kinds.join(', ')}.`);
      return [...earlier, kind];
    });
  return withPrepend(withReadOptions(withCommonOptions(command)), 'pyclink works it out')
    .argument('<TARGET...>', 'directories, / for the running system, packages or their directory, or container images')
    .addOption(each('--only <kind>', 'report only this kind of finding, repeatable'))
    .addOption(each('--ignore <kind>', 'do not report this kind of finding, repeatable'))
    .addOption(
      each(
        '--fail-on <kind>',
        'exit with status 1 only for this kind, repeatable (default: the kinds that users of the package can notice)',
      ),
    )
    .addOption(fileOption('--baseline <file>', 'leave out the findings of an earlier --json report'))
    .addOption(
      new Option('--format <format>', 'format of the report (default: text)').choices(auditFormats).conflicts('json'),
    )
    .addOption(fileOption('--html <file>', htmlHelp))
    .option('--recompile', 'compile the sources again, and report pycs whose code differs')
    .option('--python <cmd>', 'with --recompile: the interpreter (default: the one that each pyc is for)')
    .option('--chroot', 'with --recompile: run the interpreters of the target directory, in a chroot there')
    .option('-j, --jobs <n>', 'with --recompile: how many interpreters run at a time (default: one per CPU)')
    .action(async (targets: string[], flags: Flags & AuditFlags) => {
      const { auditCommand } = await import('../commands/audit.ts');
      const format = flags.format ?? (flags.json === true ? 'json' : 'text');
      const recompile = flags.recompile === true ? recompileFlags(flags, call) : undefined;
      const read = { ...readOptionsOf(flags), prepend: readPrepend(flags) };
      const result = await auditCommand({ ...flags, targets, format, recompile, ...read }, await call.log(flags));
      const json = format === 'json' || format === 'sarif';
      call.report(result, { json, quiet: flags.quiet === true && format === 'text' });
      await sayPage(flags.html, call, flags);
    });
}

/** Logs that the page was written. */
async function sayPage(file: string | undefined, call: Call, flags: Flags): Promise<void> {
  if (file !== undefined) (await call.log(flags)).info(`page ${file}`);
}

/** Adds the arguments, options and action of `diff`. */
export function diff(command: Command, call: Call): Command {
  return withReadOptions(withCommonOptions(command))
    .argument('<OLD>', 'a directory, a package, a directory of packages, or an image')
    .argument('<NEW>', 'the same, of another build')
    .action(async (old: string, now: string, flags: Flags) => {
      const { diffCommand } = await import('../commands/diff.ts');
      call.report(await diffCommand({ ...flags, old, now, ...readOptionsOf(flags) }), flags);
    });
}

function recompileFlags({ python, chroot = false, jobs }: AuditFlags, { environment }: Call) {
  return { python, chroot, jobs: readJobs(jobs) ?? availableParallelism(), environment };
}

interface AuditFlags extends Partial<Omit<AuditOptions, 'recompile'>> {
  readonly recompile?: boolean;
  readonly python?: string;
  readonly chroot?: boolean;
  readonly jobs?: string;
}
