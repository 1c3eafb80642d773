/** The environment variables that pyclink reads for its users, as help and man page list them. */
export const variables: Readonly<Record<string, string>> = {
  RPM_BUILD_ROOT: 'the buildroot, if there is no --buildroot',
  RPM_BUILD_NCPUS: 'jobs of build, if there is no --jobs',
  DEB_BUILD_OPTIONS: 'parallel=N: jobs of build, if there is no RPM_BUILD_NCPUS',
  SOURCE_DATE_EPOCH: 'seconds since 1970; see --mtime-policy of build',
  PYCLINK_CACHE_DIR: 'the cache of builds, if there is no --cache-dir',
  PYCLINK_CACHE_MAX_SIZE: 'how large it may get: bytes, or with K, M, G or T (default: 2G)',
  PYCLINK_CACHE_NAMESPACE: 'builds with another one do not share entries',
  PYCLINK_CACHE_SECRET_FILE: 'a file with the secret that entries are signed with',
  PYCLINK_CACHE_REMOTE: 'the URL of a server that has what the cache does not (http, https, redis, rediss)',
  PYCLINK_CACHE_REMOTE_WRITE: '1: what was compiled is sent to it',
  PYCLINK_CACHE_REMOTE_TOKEN_FILE: 'a file with the bearer token for it',
  PYCLINK_CACHE_REMOTE_LOGIN_FILE: 'a file with USER:PASSWORD for it',
  PYCLINK_CACHE_REMOTE_CA_FILE: 'certificates, in PEM, that are trusted instead of those of the system',
  PYCLINK_LOG_FORMAT: 'json: the log on standard error has one JSON object per line (default: lines)',
};

/** The part of help that lists the variables. */
export function variablesHelp(): string {
  const lines = Object.entries(variables).map(([name, help]) => `  ${name.padEnd(32)} ${help}`);
  return ['', 'Environment:', ...lines].join('\n');
}
