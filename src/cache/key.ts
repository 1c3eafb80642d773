import { createHash } from 'node:crypto';

/** The SHA-256 over fields, each with its length before it: other fields never give the same bytes. In hexadecimal. */
export function digestOfFields(fields: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  const length = Buffer.alloc(4);
  for (const field of fields) {
    const bytes = typeof field === 'string' ? Buffer.from(field) : field;
    length.writeUInt32LE(bytes.length);
    hash.update(length).update(bytes);
  }
  return hash.digest('hex');
}
