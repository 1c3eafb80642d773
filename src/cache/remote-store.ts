/** A server that keeps entries for many machines. */
export interface RemoteStore {
  /** The bytes of an entry; undefined if there is none. @throws RemoteFailure */
  get(key: string): Promise<Buffer | undefined>;
  /** Stores an entry. @returns false if the server has no room for it @throws RemoteFailure */
  put(key: string, bytes: Buffer): Promise<boolean>;
  /** Aborts all pending requests. */
  close(): void;
}

/** How to reach a server. Plain data. */
export interface RemoteSettings {
  /** Without a trailing slash; `http:`, `https:`, `redis:` or `rediss:`. */
  readonly url: string;
  /** New entries are sent to it. */
  readonly isWritable: boolean;
  readonly login?: { readonly user: string; readonly password: string } | undefined;
  /** For HTTP. */
  readonly token?: string | undefined;
  /** PEM certificates to trust instead of the system's. */
  readonly authorities?: string | undefined;
}

/** The time limit for a request, including the connection. */
export const requestLimitMs = 1000;

/** The largest entry to send or receive, compressed or not: sending and unpacking more would take too long. */
export const maxEntryBytes = 64 * 1024 ** 2;

/** The server could not be reached or did not do what was asked. The message says why. */
export class RemoteFailure extends Error {
  override readonly name = 'RemoteFailure';

  /** A retry would fail as well. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal = false) {
    super(message);
    this.isFinal = isFinal;
  }
}

/** Describes a connection error. After a refused connection, a retry would be refused as well. */
export function connectionFailure(error: unknown): RemoteFailure {
  const { code, message } = error as NodeJS.ErrnoException;
  return new RemoteFailure(code ?? message, code === 'ECONNREFUSED');
}
