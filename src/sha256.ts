import { hash } from 'node:crypto';

/** The SHA-256 in hexadecimal digits. */
export function sha256Of(content: Uint8Array | string): string {
  return hash('sha256', content, 'hex');
}

/** The SHA-256 of buffers, computed once for each. Call `forget` after changing a buffer. */
export class Digests {
  readonly #known = new Map<Buffer, string>();

  /** The digest with one character per byte, which takes less memory than hexadecimal digits. */
  of(content: Buffer): string {
    const digest = this.#known.get(content) ?? hash('sha256', content, 'binary');
    this.#known.set(content, digest);
    return digest;
  }

  /** Drops the digest of a buffer whose bytes have changed. */
  forget(content: Buffer): void {
    this.#known.delete(content);
  }
}
