export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment of a worker: no PYTHON* variable of the caller's gets through, because several of them change where
 * or what compileall writes. A fixed hash seed and encoding make the bytes independent of the caller's.
 */
export function workerEnvironment(environment: Environment): Environment {
  const inherited = Object.entries(environment).filter(
    ([name]) => !name.startsWith('PYTHON') && !name.startsWith('LC_'),
  );
  return { ...Object.fromEntries(inherited), LC_ALL: 'C.UTF-8', PYTHONHASHSEED: '0', PYTHONUTF8: '1' };
}
