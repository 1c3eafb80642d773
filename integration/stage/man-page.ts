import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auditKinds } from '../../src/audit/kinds.ts';
import { buildExamples } from '../../src/cli/subcommands.ts';
import { variables } from '../../src/cli/variables.ts';
import { findingKinds } from '../../src/verify/finding.ts';
import { type CommandFacts, commands, commonOptions, type OptionFacts, ownOptions } from './commands.ts';

const template = join(import.meta.dirname, '../../docs/man/pyclink.1');

/** docs/man/pyclink.1 with what help lists, and the kinds of findings, where it has a comment that asks for them. */
export function manPage(): string {
  return readFileSync(template, 'utf8')
    .replace(/^\.\\" SYNOPSIS\n/m, () => commands.map(synopsis).join('.br\n'))
    .replace(/^\.\\" OPTIONS\n/m, () => optionsSection())
    .replace(/^\.\\" FINDINGS\n/m, () => findingsSection())
    .replace(/^\.\\" ENVIRONMENT\n/m, () => variablesSection())
    .replace(/^\.\\" EXAMPLES\n/m, () => examples());
}

function optionsSection(): string {
  const own = ownOptions.map((option) => item(optionName(option), option.help));
  const common = commonOptions.map((option) => item(optionName(option), option.help));
  const isCommon = (option: OptionFacts) => commonOptions.some(({ long }) => long === option.long);
  const others = commands.map(({ name, options }) => {
    const items = options
      .filter((option) => !isCommon(option))
      .map((option, i, all) => {
        const heading =
          option.group === undefined || option.group === all[i - 1]?.group ? '' : `.PP\n${option.group}\n`;
        return heading + item(optionName(option), option.help);
      });
    return items.length === 0 ? '' : `.SS Of ${name}\n${items.join('')}`;
  });
  return [`.SS Of pyclink itself\n`, ...own, `.SS Of every command\n`, ...common, ...others].join('');
}

/** `pyclink relink [option ...] --manifest FILE` */
function synopsis({ name, usage }: CommandFacts): string {
  const words = usage.map((word) =>
    word.startsWith('--') ? word.replace(/ .*/, (value) => value.toUpperCase()) : word,
  );
  return `\\fBpyclink ${name}\\fR [\\fIoption\\fR ...] ${escaped(words.join(' '))}\n`;
}

function findingsSection(): string {
  const items = (kinds: Readonly<Record<string, string>>) =>
    Object.entries(kinds).map(([kind, meaning]) => item(`\\fB${escaped(kind)}\\fR`, meaning));
  return ['.SS Of verify\n', ...items(findingKinds), '.SS Of audit\n', ...items(auditKinds)].join('');
}

function examples(): string {
  return `.EX\n${escaped(buildExamples.replace(/^\nExamples:\n/, '').replace(/^ {2}/gm, ''))}.EE\n`;
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
