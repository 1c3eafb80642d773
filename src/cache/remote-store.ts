/** A server that keeps entries for many machines. */
export interface RemoteStore {
  /** The bytes of an entry; undefined if there is none. @throws RemoteFailure */
  get(key: string): Promise<Buffer | undefined>;
  /** Stores an entry. @returns whether that was done; false: the server has no room for it @throws RemoteFailure */
  put(key: string, bytes: Buffer): Promise<boolean>;
  /** Gives up whatever is still going on. */
  close(): void;
}

/** How to reach a server. Plain data. */
export interface RemoteSettings {
  /** Without a slash at its end; `http:`, `https:`, `redis:` or `rediss:`. */
  readonly url: string;
  /** New entries are sent to it. */
  readonly isWritable: boolean;
  readonly login?: { readonly user: string; readonly password: string } | undefined;
  /** For HTTP. */
  readonly token?: string | undefined;
  /** Certificates, in PEM, that are trusted instead of those of the system. */
  readonly authorities?: string | undefined;
}

/** How long a server may take for a request, with connecting to it. */
export const requestLimitMs = 1000;

/** Larger entries stay on the machine, compressed or not: it would take too long to send and to unpack them. */
export const maxEntryBytes = 64 * 1024 ** 2;

/** A server could not be reached, or did not do what it was asked for. The message says why. */
export class RemoteFailure extends Error {
  override readonly name = 'RemoteFailure';

  /** It would be the same next time. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal = false) {
    super(message);
    this.isFinal = isFinal;
  }
}

/** What went wrong with a connection. One that is refused would be refused again. */
export function connectionFailure(error: unknown): RemoteFailure {
  const { code, message } = error as NodeJS.ErrnoException;
  return new RemoteFailure(code ?? message, code === 'ECONNREFUSED');
}
