/** Increased when a reader of the old format would misread the new one. */
export const schemaVersion = 1;
