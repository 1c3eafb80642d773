import type { CommandFacts, OptionFacts } from './commands.ts';

/** Completions for bash. Where none of them fits, bash completes the name of a file. @see bash(1), Programmable Completion */
export function bashCompletions(ownOptions: readonly OptionFacts[], commands: readonly CommandFacts[]): string {
  const first = [...commands.map(({ name }) => name), 'help', ...names(ownOptions)].join(' ');
  return `# bash completion for pyclink

_pyclink() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} words=
  # --option=value is three words to bash.
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    words='${first}'
  else
    case "\${COMP_WORDS[1]} $previous" in
${commands.flatMap(valuesOf).join('\n')}
      'help '*) words='${commands.map(({ name }) => name).join(' ')}' ;;
    esac
    if [[ -z $words && $current == -* ]]; then
      case \${COMP_WORDS[1]} in
${commands.map(({ name, options }) => `        ${name}) words='${names(options).join(' ')}' ;;`).join('\n')}
      esac
    elif [[ -z $words ]] && ((COMP_CWORD == 2)); then
      case \${COMP_WORDS[1]} in
${commands.flatMap(operandsOf).join('\n')}
      esac
    fi
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -o default -F _pyclink pyclink
`;
}

/** What follows an option that takes one of a few values. */
function valuesOf({ name, options }: CommandFacts): string[] {
  return options
    .filter(({ choices }) => choices.length > 0)
    .map((option) => {
      const patterns = names([option]).map((flag) => `'${name} ${flag}'`);
      return `      ${patterns.join(' | ')}) words='${option.choices.join(' ')}' ;;`;
    });
}

function operandsOf({ name, words }: CommandFacts): string[] {
  return words.length === 0 ? [] : [`        ${name}) words='${words.join(' ')}' ;;`];
}

function names(options: readonly OptionFacts[]): string[] {
  return options.flatMap(({ short, long }) => (short === undefined ? [long] : [short, long]));
}
