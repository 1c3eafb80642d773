import { cacheVariables } from '../pipeline/cache-options.ts';
import { buildVariables } from '../pipeline/options.ts';

/** The environment variables for users, as listed in help and in the man page. */
export const variables: Readonly<Record<string, { readonly help: string }>> = {
  ...buildVariables,
  ...cacheVariables,
  PYTHONNODEBUGRANGES: { help: 'has no effect, and build warns about it: use --no-debug-ranges' },
  PYCLINK_LOG_FORMAT: { help: 'json: log one JSON object per line on standard error (default: lines)' },
};

/** The part of help that lists the variables. */
export function variablesHelp(): string {
  const lines = Object.entries(variables).map(([name, { help }]) => `  ${name.padEnd(32)} ${help}`);
  return ['', 'Environment:', ...lines].join('\n');
}
