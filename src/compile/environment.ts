export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment of a worker, without the caller's PYTHON* variables: several of them change where or what compileall
 * writes. The hash seed and the encoding are fixed, so that the bytes do not depend on the caller's.
 * @param forCache whether workers tell what a cache has to know
 */
export function workerEnvironment(environment: Environment, forCache = false): Environment {
  const inherited = Object.entries(environment).filter(
    ([name]) => !name.startsWith('PYTHON') && !name.startsWith('LC_') && name !== 'PYCLINK_CACHE',
  );
  const fixed = { LC_ALL: 'C.UTF-8', PYTHONHASHSEED: '0', PYTHONUTF8: '1' };
  return { ...Object.fromEntries(inherited), ...fixed, ...(forCache && { PYCLINK_CACHE: '1' }) };
}
