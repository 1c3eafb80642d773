import manifest from '../package.json' with { type: 'json' };

/** The version of pyclink. */
export const version: string = manifest.version;
