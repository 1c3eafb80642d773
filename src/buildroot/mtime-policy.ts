/** What happens to the mtimes of sources before they are compiled. `epochSeconds` is SOURCE_DATE_EPOCH or --mtime. */
export type MtimePolicy =
  | { readonly policy: 'keep' }
  | { readonly policy: 'clamp' | 'set'; readonly epochSeconds: number };
