export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment of a worker, without the caller's PYTHON* variables: several of them change where or what compileall
 * writes. The hash seed and the encoding are fixed, so that the bytes do not depend on the caller's.
 */
export function workerEnvironment(environment: Environment): Environment {
  const inherited = Object.entries(environment).filter(
    ([name]) => !name.startsWith('PYTHON') && !name.startsWith('LC_'),
  );
  return { ...Object.fromEntries(inherited), LC_ALL: 'C.UTF-8', PYTHONHASHSEED: '0', PYTHONUTF8: '1' };
}
