import { hash } from 'node:crypto';

/** The SHA-256 in hexadecimal digits. */
export function sha256Of(content: Uint8Array | string): string {
  return hash('sha256', content, 'hex');
}

/** The SHA-256, one character per byte: shorter to keep than hexadecimal digits. */
export function digestOf(content: Uint8Array): string {
  return hash('sha256', content, 'binary');
}
