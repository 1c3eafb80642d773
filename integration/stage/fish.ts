import type { CommandFacts, OptionFacts } from './commands.ts';

/** Completions for fish. @see https://fishshell.com/docs/current/cmds/complete.html */
export function fishCompletions(ownOptions: readonly OptionFacts[], commands: readonly CommandFacts[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const lines = [
    '# fish completion for pyclink',
    ...ownOptions.map((option) => complete('__fish_use_subcommand', ...words(option))),
    ...commands.map(({ name, help }) => complete('__fish_use_subcommand', '-f', '-a', name, '-d', quoted(help))),
    complete('__fish_use_subcommand', '-f', '-a', 'help', '-d', quoted('help for a command')),
    complete('__fish_seen_subcommand_from help', '-f', '-a', quoted(names)),
    ...commands.flatMap(({ name, options, words: operandWords, takesFiles }) => {
      const condition = `__fish_seen_subcommand_from ${name}`;
      const given = operandWords.length === 0 ? [] : ['-a', quoted(operandWords.join(' '))];
      const operands = takesFiles ? [] : [complete(condition, '-f', ...given)];
      return [...operands, ...options.map((option) => complete(condition, ...words(option)))];
    }),
  ];
  return `${lines.join('\n')}\n`;
}

function complete(condition: string, ...rest: readonly string[]): string {
  return ['complete', '-c', 'pyclink', '-n', quoted(condition), ...rest].join(' ');
}

function words({ short, long, help, value, choices }: OptionFacts): string[] {
  const names = ['-l', long.slice(2), ...(short === undefined ? [] : ['-s', short.slice(1)])];
  return [...names, ...valueWords(value, choices), '-d', quoted(help)];
}

function valueWords(value: string | undefined, choices: readonly string[]): string[] {
  if (value === undefined) return [];
  if (choices.length > 0) return ['-x', '-a', quoted(choices.join(' '))];
  if (value === 'dir') return ['-x', '-a', "'(__fish_complete_directories)'"];
  return value === 'file' ? ['-r', '-F'] : ['-x'];
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, '\\$&')}'`;
}
