import { hash } from 'node:crypto';

/** The SHA-256 in hexadecimal digits. */
export function sha256Of(content: Uint8Array | string): string {
  return hash('sha256', content, 'hex');
}

/** The SHA-256 of buffers, each computed once: their bytes stay as they are, or `forget` is called. */
export class Digests {
  readonly #known = new Map<Buffer, string>();

  /** One character per byte: shorter to keep than hexadecimal digits. */
  of(content: Buffer): string {
    const digest = this.#known.get(content) ?? hash('sha256', content, 'binary');
    this.#known.set(content, digest);
    return digest;
  }

  /** The bytes of this buffer have changed. */
  forget(content: Buffer): void {
    this.#known.delete(content);
  }
}
