import type { Call } from './call.ts';

/** An entry point for a packaging system. It parses its own arguments and turns them into options of `build`. */
interface FrontDoor {
  readonly description: string;
  /** Where its arguments are documented. */
  readonly help: string;
  /** @throws PyclinkError */
  readonly run: (words: readonly string[], call: Call) => Promise<void>;
}

/** The front doors by their first argument. Each loads its code on demand. */
export const frontDoors: ReadonlyMap<string, FrontDoor> = new Map([
  [
    'brp',
    {
      description: 'entry point for rpm macros: see docs/rpm.md',
      help: 'see docs/rpm.md',
      run: async (words, call) => (await import('./brp.ts')).brp(words, call),
    },
  ],
  [
    'dh',
    {
      description: 'entry point for debhelper: see docs/debian.md',
      help: 'see dh_pyclink(1)',
      run: async (words, call) => (await import('./dh.ts')).dh(words, call),
    },
  ],
]);
