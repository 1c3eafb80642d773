import { nearestSources } from '../buildroot/nearest.ts';
import { expandPatterns } from '../buildroot/path-patterns.ts';
import type { Environment } from '../compile/environment.ts';
import { namedByPath } from '../compile/open-pools.ts';
import { statusOf } from '../errors.ts';
import { groupBy } from '../get-or-add.ts';
import type { Log } from '../log.ts';
import { unknownMagicNumber } from '../marshal/normalize-pyc.ts';
import { build } from '../pipeline/build.ts';
import type { BuildOptions } from '../pipeline/options.ts';
import type { BuildReport } from '../pipeline/report.ts';
import { openTreeOf } from '../pipeline/tree.ts';
import { codeLayoutOf, releaseOf } from '../pyc/releases.ts';
import { buildReportText } from '../report/build-report.ts';
import type { Progress } from '../report/progress.ts';
import { refusedDirectories } from '../report/refused-directories.ts';
import { isForgivable, type SkipReason, skipReasons } from '../skipped.ts';
import { counted } from '../text.ts';
import type { CommandResult } from './result.ts';

/** The output of a build. */
interface BuildOutput {
  readonly log: Log;
  /** Log only warnings and errors. */
  readonly isQuiet: boolean;
  readonly progress?: Progress | undefined;
}

/** `pyclink build`: compiles, links, writes the manifest. @throws PyclinkError */
export async function buildCommand(
  options: BuildOptions,
  environment: Environment,
  { log, isQuiet, progress }: BuildOutput,
): Promise<CommandResult> {
  const report = await build(options, {
    environment,
    onInterpreter: ({ executable, version, root, magicNumber }, sources) => {
      if (isQuiet) return;
      const levels = options.levels.join(' ');
      const work = options.keepCurrent ? 'checking' : 'compiling';
      const what = `${work} ${counted(sources.length, 'source')} with ${executable} (Python ${version})${root === undefined ? '' : ` in ${root}`}`;
      const isWithout = !options.debugRanges && releaseOf(magicNumber).hasColumns;
      log.info(`${what}, levels ${levels}${isWithout ? ', without columns' : ''}`);
    },
    warn: (message) => log.warn(message),
    onProgress: (done, total) => progress?.show(done, total),
  }).finally(() => progress?.end());
  logOutcomes(report, log);
  if (report.sources === 0) log.warn(await nothingFound(options, report.skipped));
  else for (const path of report.withoutSources) log.warn({ path }, 'nothing to compile: no .py files');
  return { status: statusOfBuilds([report]), text: buildReportText(report), data: report };
}

/** The message if nothing was compiled: what was searched, and where there are sources. */
async function nothingFound(options: BuildOptions, skipped: BuildReport['skipped']): Promise<string> {
  const { paths } = options;
  if (skipped.length > 0) {
    const more = skipped.some(({ reason }) => levels[reason] === 'debug') ? ', see --verbose' : '';
    return `nothing to compile: ${counted(skipped.length, 'file')} skipped${more}`;
  }
  const places = 'a Python directory (lib/pythonX.Y, lib/python3/dist-packages, lib/pypy3.X)';
  const where = paths.length > 0 ? `below ${paths.join(', ')}` : `in ${places}`;
  // Searching the whole running system takes much longer than a build.
  if (options.inPlace) return `nothing to compile: no .py files ${where}`;
  const tree = openTreeOf(options);
  const nearest = nearestSources(tree, await expandPatterns(tree, paths), 3);
  const others =
    nearest.length > 0 ? `the nearest are in ${nearest.join(', ')}: give a PATH` : 'and none anywhere else';
  return `nothing to compile: no .py files ${where}; ${others}`;
}

/** The exit status of builds. The messages of compilers name no errors of the system. */
export function statusOfBuilds(reports: readonly BuildReport[]) {
  const problems = reports.flatMap(({ skipped }) => skipped.filter(({ isProblem }) => isProblem));
  return statusOf(problems.map(({ reason, message }) => (isForgivable(reason) ? '' : (message ?? ''))));
}

/** The log levels of reasons that are not warnings. */
const levels: Partial<Record<SkipReason, 'info' | 'debug'>> = {
  'not-asked-for': 'info',
  'other-file-system': 'info',
  excluded: 'debug',
  'not-normalized': 'debug',
};

/** Logs what the reader of a build log should know. The order is the same in every build. */
export function logOutcomes(report: BuildReport, log: Log): void {
  const problems = report.cache?.problems ?? [];
  for (const problem of problems) log.warn(problem);
  for (const warning of report.warnings) log.warn(warning);
  const unknown = report.interpreters.filter(({ magicNumber }) => codeLayoutOf(magicNumber) === undefined);
  const saidForAll = new Set(unknown.map(({ magicNumber }) => unknownMagicNumber(magicNumber)));
  for (const { executable, implementation, version, magicNumber } of unknown) {
    const what = unknownMagicNumber(magicNumber);
    if (!report.skipped.some(({ message }) => message === what)) continue;
    // PyPy's pycs are never normalized; an unknown CPython needs a newer pyclink.
    const level = implementation === 'cpython' ? 'warn' : 'info';
    log[level](`${executable} (${implementation} ${version}): ${what}, so its pycs are not normalized`);
  }
  const removed = report.dryRun ? 'would be removed' : 'removed';
  for (const { path, detail } of report.pruned ?? []) log.info({ path }, `${removed}: ${detail}`);
  const { ofInterpreters, others } = byInterpreters(report.skipped);
  for (const [said, own] of ofInterpreters) {
    const level = own.some(({ isProblem }) => isProblem) ? 'error' : 'warn';
    const hint = own[0]?.reason === 'untrusted-interpreter' ? `; ${namedByPath}` : '';
    log[level](`${counted(own.length, 'source')} skipped: ${said}${hint}`);
  }
  const { refused, single } = refusedDirectories(others);
  for (const { directory, message, text } of refused) log.error({ path: directory, lines: [message] }, text);
  for (const { path, reason, message, isProblem } of single) {
    if (reason === 'not-normalized' && saidForAll.has(message ?? '')) continue;
    const lines = message?.split('\n') ?? [];
    log[isProblem ? 'error' : (levels[reason] ?? 'warn')]({ path, lines }, skipReasons[reason]);
  }
}

/** Groups sources whose interpreter is missing or not trusted by the problem, and returns the rest separately. */
function byInterpreters(skipped: BuildReport['skipped']) {
  const problems = groupBy(skipped, ({ reason, message = '' }) => {
    // brp has merged entries by directory; these have several lines.
    const isOfSource = ['untrusted-interpreter', 'no-interpreter'].includes(reason) && !message.includes('\n');
    return isOfSource ? message : undefined;
  });
  const ofInterpreters = [...problems].filter(([, own]) => own.length > 1 || own[0]?.reason !== 'no-interpreter');
  const gathered = new Set(ofInterpreters.flatMap(([, own]) => own));
  return { ofInterpreters, others: skipped.filter((skip) => !gathered.has(skip)) };
}
