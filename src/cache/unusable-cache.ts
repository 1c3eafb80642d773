/** The cache cannot be trusted or used. The message says what and why. */
export class UnusableCache extends Error {
  override readonly name = 'UnusableCache';

  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string) {
    super(`no cache is used: ${path}: ${reason}`);
    this.path = path;
    this.reason = reason;
  }
}
