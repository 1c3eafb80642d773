import type { CommandFacts, OptionFacts } from './commands.ts';

/** Completions for zsh. @see zshcompsys(1), _arguments */
export function zshCompletions(ownOptions: readonly OptionFacts[], commands: readonly CommandFacts[]): string {
  const described = commands.map(({ name, help }) => `    ${quoted(`${name}:${help}`)}`);
  return `#compdef pyclink

local curcontext=$curcontext state state_descr line
typeset -A opt_args
local -a commands=(
${described.join('\n')}
    'help:help for a command'
)

_arguments -C \\
${specs(ownOptions)}
  '1: :->command' \\
  '*:: :->words' && return

case $state in
  command) _describe -t commands command commands ;;
  words)
    curcontext=\${curcontext%:*}-$words[1]:
    case $words[1] in
${commands.map(cases).join('\n')}
      help) _describe -t commands command commands ;;
    esac
    ;;
esac
`;
}

function cases({ name, options, words, takesFiles }: CommandFacts): string {
  const operand = words.length === 0 ? '' : `\n  '1:what to do:(${words.join(' ')})' \\`;
  const files = takesFiles ? `\n  '*:file:_files' \\` : operand;
  return `      ${name})\n_arguments -s \\\n${specs(options)}${files}\n  && return\n;;`.replace(/\n/g, '\n        ');
}

function specs(options: readonly OptionFacts[]): string {
  return options.flatMap((option) => specsOf(option).map((spec) => `  ${quoted(spec)} \\`)).join('\n');
}

/** One for each name of an option; only a repeatable one may come again. */
function specsOf({ short, long, help, value, choices, isRepeatable }: OptionFacts): string[] {
  const names = short === undefined ? [long] : [short, long];
  const before = isRepeatable ? '*' : `(${names.join(' ')})`;
  const action = choices.length > 0 ? `(${choices.join(' ')})` : (actions[value ?? ''] ?? ' ');
  const argument = value === undefined ? '' : `:${value}:${action}`;
  return names.map((name) => {
    const joins = value === undefined ? '' : name.startsWith('--') ? '=' : '+';
    return `${before}${name}${joins}[${help.replace(/[[\]:\\]/g, '\\$&')}]${argument}`;
  });
}

const actions: Readonly<Record<string, string>> = { dir: '_files -/', file: '_files', command: '_command_names -e' };

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
