import type { Call } from './call.ts';

/** A packaging system's own way to call pyclink. It reads its arguments itself, and turns them into options of `build`. */
interface FrontDoor {
  readonly description: string;
  /** Where its arguments are explained. */
  readonly help: string;
  /** @throws PyclinkError */
  readonly run: (words: readonly string[], call: Call) => Promise<void>;
}

/** The front doors by the first argument. Each loads what it needs when it is called. */
export const frontDoors: ReadonlyMap<string, FrontDoor> = new Map([
  [
    'brp',
    {
      description: 'the conventions of rpm macros: see docs/rpm.md',
      help: 'see docs/rpm.md',
      run: async (words, call) => (await import('./brp.ts')).brp(words, call),
    },
  ],
  [
    'dh',
    {
      description: 'the conventions of debhelper: see docs/debian.md',
      help: 'see dh_pyclink(1)',
      run: async (words, call) => (await import('./dh.ts')).dh(words, call),
    },
  ],
]);
