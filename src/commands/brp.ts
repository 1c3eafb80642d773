import { parentOf } from '../buildroot/path.ts';
import { pythonDirectoryOf } from '../buildroot/python-directory.ts';
import type { Source } from '../buildroot/source.ts';
import type { Environment } from '../bytecode/environment.ts';
import type { BuildOptions } from '../config.ts';
import { exitStatus } from '../errors.ts';
import type { Log } from '../log.ts';
import { build } from '../pipeline.ts';
import { type BuildReport, summaryLine } from '../report/build-report.ts';
import { hasProblems, logOutcomes } from './build.ts';
import type { CommandResult } from './result.ts';

/**
 * `pyclink brp`: one build after the other, as an rpm macro asks for them. Silent where there is no Python.
 * @param print writes a line to the build log at once
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
    const report = await build(options, { environment, onInterpreter, onProgress: () => undefined });
    logOutcomes(report, log);
    reports.push(report);
  }
  const busy = reports.filter(({ sources }) => sources > 0);
  return {
    status: reports.some(hasProblems) ? exitStatus.problems : exitStatus.done,
    text: busy.map((report) => `${summaryLine(report)}\n`).join(''),
    data: reports,
  };
}

/** A line a directory, as brp-python-bytecompile has always logged them. */
function announcements(sources: readonly Source[]): string[] {
  const lines = sources.map(({ staged, payload, interpreter }) => {
    const place = pythonDirectoryOf(payload);
    const buildroot = staged.slice(0, -payload.length);
    const directory = place?.directory ?? parentOf(payload);
    const command = interpreter === 'supported-pythons' ? 'python3' : interpreter.command;
    return `Bytecompiling .py files below ${buildroot}${directory} using ${command}`;
  });
  return [...new Set(lines)];
}
