import type * as Attributes from '../../src/files/attributes.ts';

/** What somebody does while a file is being replaced; for tests that mock `files/attributes.ts` with `editedMeanwhile`. */
export const meanwhile = { edit: () => {} };

/** The module, but `meanwhile.edit` runs before attributes are copied. */
export function editedMeanwhile(real: typeof Attributes): typeof Attributes {
  const copyAttributes: typeof real.copyAttributes = (...of) => {
    meanwhile.edit();
    real.copyAttributes(...of);
  };
  return { ...real, copyAttributes };
}
