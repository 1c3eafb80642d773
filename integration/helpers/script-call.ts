import { readFileSync } from 'node:fs';
import { type ParseArgsConfig, parseArgs } from 'node:util';

// Without this, a Node.js that is too old ends with a TypeError. It has no import.meta.dirname.
const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  engines: { node: string };
};
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const [neededMajor = 0, neededMinor = 0] = engines.node.replace('>=', '').split('.').map(Number);
if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
  process.stderr.write(
    `pyclink needs Node.js ${neededMajor}.${neededMinor} or later, and this is ${process.versions.node}\n`,
  );
  process.exit(2);
}

/**
 * Reads the command line of a script. `--help` prints the comment at the top of the script; a call that the script cannot
 * make sense of is answered with the same and status 2. Both end the process.
 * @param script `import.meta.filename`
 * @param takes whether the script takes a word that is no option; without it, it takes none
 * @param choices what words there are, for the answer
 */
export function scriptCall<O extends NonNullable<ParseArgsConfig['options']>>(
  script: string,
  options: O,
  takes: (word: string) => boolean = () => false,
  choices: readonly string[] = [],
) {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) answer();
  try {
    const call = parseArgs({ allowPositionals: true, options });
    const unknown = call.positionals.filter((word) => !takes(word));
    return unknown.length === 0 ? call : answer(`unknown: ${unknown.join(' ')}`);
  } catch (error) {
    return answer((error as Error).message);
  }

  function answer(problem?: string): never {
    const [, comment = ''] = /\/\*\*(.*?)\*\//s.exec(readFileSync(script, 'utf8')) ?? [];
    const usage = comment.replace(/^ \* ?/gm, '').trim();
    const lines = [problem ?? [], usage, choices.length === 0 ? [] : `There are: ${choices.join(' ')}`].flat();
    process[problem === undefined ? 'stdout' : 'stderr'].write(`${lines.join('\n\n')}\n`);
    process.exit(problem === undefined ? 0 : 2);
  }
}
