import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import type { Source } from '../buildroot/source.ts';
import type { Environment } from '../compile/environment.ts';
import { PyclinkError } from '../errors.ts';
import { byCodeUnit, type PayloadPath, parentOf } from '../files/path.ts';
import { groupBy } from '../get-or-add.ts';
import type { Log } from '../log.ts';
import { build } from '../pipeline/build.ts';
import type { BuildOptions } from '../pipeline/options.ts';
import type { BuildReport, ReportedSkip } from '../pipeline/report.ts';
import { summaryLines } from '../report/build-report.ts';
import { counted } from '../text.ts';
import { logOutcomes, statusOfBuilds } from './build.ts';
import type { CommandResult } from './result.ts';

/**
 * `pyclink brp`: runs the builds that an rpm macro asks for. Prints nothing if there are no sources.
 * @param print writes a line to the build log immediately
 * @throws PyclinkError
 */
export async function brpCommand(
  builds: readonly BuildOptions[],
  environment: Environment,
  log: Log,
  print: (line: string) => void,
): Promise<CommandResult> {
  const reports: BuildReport[] = [];
  for (const options of builds) {
    const onInterpreter = (_: unknown, sources: readonly Source[]) => {
      for (const line of announcements(sources)) print(line);
    };
    const warn = (message: string) => log.warn(message);
    const context = { environment, onInterpreter, warn, onProgress: () => undefined };
    const report = await build(options, context).catch(withHintForSpecs);
    logOutcomes({ ...report, skipped: byDirectory(report.skipped) }, log);
    reports.push(report);
  }
  const busy = reports.filter(({ sources }) => sources > 0);
  return {
    status: statusOfBuilds(reports),
    text: busy
      .flatMap((report) => summaryLines(report))
      .map((line) => `${line}\n`)
      .join(''),
    data: reports,
  };
}

/** One line for each directory, worded like brp-python-bytecompile. */
function announcements(sources: readonly Source[]): string[] {
  const lines = sources.map(({ staged, payload, interpreter }) => {
    const below = `${staged.slice(0, -payload.length)}${directoryOf(payload)}`.replace(/(?<=.)\/$/, '');
    const command = interpreter === 'supported-pythons' ? 'python3' : interpreter.command;
    return `Bytecompiling .py files below ${below} using ${command}`;
  });
  return [...new Set(lines)];
}

/** Merges entries that are the same for all sources of a directory, so that they do not flood the build log. */
function byDirectory(skipped: readonly ReportedSkip[]): ReportedSkip[] {
  const isAlike = ({ reason }: ReportedSkip) => reason === 'no-interpreter' || reason === 'not-asked-for';
  const directories = groupBy(skipped.filter(isAlike), ({ path }) => directoryOf(path as PayloadPath));
  const summaries = Array.from(directories, ([path, entries]) => {
    const [first] = entries as [ReportedSkip];
    const count = `${counted(entries.length, 'source')} not compiled`;
    const more =
      first.reason === 'not-asked-for' ? [count, 'hint: %pyclink_extra compiles it'] : [first.message, count];
    return { ...first, path, message: more.join('\n') };
  });
  const others = skipped.filter((entry) => !isAlike(entry));
  return [...others, ...summaries].sort((a, b) => byCodeUnit(a.path, b.path));
}

/** The Python directory of a path, else the directory that it is in. */
function directoryOf(path: PayloadPath): PayloadPath {
  return pythonDirectoryOf(path)?.directory ?? parentOf(path);
}

function withHintForSpecs(error: unknown): never {
  if (!(error instanceof PyclinkError) || error.code !== 'interpreter-missing') throw error;
  const hint = 'add the interpreter to BuildRequires, or exclude its directory with %pyclink_exclude';
  throw new PyclinkError(error.code, error.message, { hint, cause: error });
}
