import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { variables } from '../../src/cli/variables.ts';
import { commands, commonOptions, type OptionFacts, ownOptions } from './commands.ts';

const template = join(import.meta.dirname, '../../docs/man/pyclink.1');

/** docs/man/pyclink.1 with the options and variables that help lists where it has a comment that asks for them. */
export function manPage(): string {
  return readFileSync(template, 'utf8')
    .replace(/^\.\\" OPTIONS\n/m, () => optionsSection())
    .replace(/^\.\\" ENVIRONMENT\n/m, () => variablesSection());
}

function optionsSection(): string {
  const own = ownOptions.map((option) => item(optionName(option), option.help));
  const common = commonOptions.map((option) => item(optionName(option), option.help));
  const isCommon = (option: OptionFacts) => commonOptions.some(({ long }) => long === option.long);
  const others = commands.map(({ name, options }) => {
    const items = options.filter((option) => !isCommon(option)).map((option) => item(optionName(option), option.help));
    return items.length === 0 ? '' : `.SS Of ${name}\n${items.join('')}`;
  });
  return [`.SS Of pyclink itself\n`, ...own, `.SS Of every command\n`, ...common, ...others].join('');
}

function variablesSection(): string {
  return Object.entries(variables)
    .map(([name, { help }]) => item(`\\fB${name}\\fR`, help))
    .join('');
}

function optionName({ short, long, value, optionalValue }: OptionFacts): string {
  const names = (short === undefined ? [long] : [short, long]).map((name) => `\\fB${escaped(name)}\\fR`);
  const needed = value === undefined ? '' : ` \\fI${escaped(value.toUpperCase())}\\fR`;
  const optional = optionalValue === undefined ? '' : `[=\\fI${escaped(optionalValue.toUpperCase())}\\fR]`;
  return names.join(', ') + needed + optional;
}

function item(name: string, help: string): string {
  return `.TP\n${name}\n${escaped(help)}\n`;
}

/** Text as groff prints it. @see groff_man_style(7) */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq');
}
