/** The environment variables that pyclink reads for its users, as help and man page list them. */
export const variables: Readonly<Record<string, string>> = {
  RPM_BUILD_ROOT: 'the buildroot, if there is no --buildroot',
  RPM_BUILD_NCPUS: 'how many jobs build has, if there is no --jobs',
  DEB_BUILD_OPTIONS: 'parallel=N in it says the same, if RPM_BUILD_NCPUS does not',
  SOURCE_DATE_EPOCH: 'seconds since 1970; see --mtime-policy of build',
  PYCLINK_LOG_FORMAT: 'json makes the log, on standard error, a JSON object a line',
};

/** What follows the options in help. */
export function variablesHelp(): string {
  const lines = Object.entries(variables).map(([name, help]) => `  ${name.padEnd(19)} ${help}`);
  return ['', 'Environment:', ...lines].join('\n');
}
