import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, DisconnectsClientError, ErrorReply, RESP_TYPES } from '@redis/client';
import {
  connectionFailure,
  RemoteFailure,
  type RemoteSettings,
  type RemoteStore,
  requestLimitMs,
} from './remote-store.ts';

/** The prefix of each key, because the server may have other data. */
const prefix = 'pyclink:1:';

/** A cache in a Redis or Valkey server. The server evicts old entries itself if configured to. */
export class RedisStore implements RemoteStore {
  readonly #settings: RemoteSettings;
  #connection: Connection | undefined;

  constructor(settings: RemoteSettings) {
    this.#settings = settings;
  }

  async get(key: string): Promise<Buffer | undefined> {
    return (await this.#ask((client) => client.get(prefix + key))) ?? undefined;
  }

  async put(key: string, bytes: Buffer): Promise<boolean> {
    try {
      await this.#ask((client) => client.set(prefix + key, bytes));
      return true;
    } catch (error) {
      if (error instanceof RemoteFailure && /^(?:OOM|READONLY)\b/.test(error.message)) return false;
      throw error;
    }
  }

  close(): void {
    this.#connection?.client.destroy();
    this.#connection = undefined;
  }

  async #ask<T>(question: (client: Client) => Promise<T>): Promise<T> {
    this.#connection ??= connect(this.#settings);
    const { client, isReady } = this.#connection;
    const isOver = new AbortController();
    const late = sleep(requestLimitMs, undefined, { signal: isOver.signal }).then(() => {
      throw new RemoteFailure(noResponse);
    });
    try {
      return await Promise.race([isReady.then(() => question(client)), late]);
    } catch (error) {
      // A refused command does not break the connection.
      if (!(error instanceof ErrorReply) && this.#connection?.client === client) this.close();
      throw error instanceof RemoteFailure ? error : failure(error);
    } finally {
      isOver.abort();
    }
  }
}

type Client = ReturnType<typeof newClient>;

interface Connection {
  readonly client: Client;
  readonly isReady: Promise<unknown>;
}

function connect(settings: RemoteSettings): Connection {
  const client = newClient(settings);
  // Pending requests get the error.
  client.on('error', () => undefined);
  return { client, isReady: client.connect() };
}

function newClient({ url, login, authorities }: RemoteSettings) {
  const isSecure = url.startsWith('rediss:');
  return createClient({
    url,
    ...(login === undefined
      ? {}
      : { password: login.password, ...(login.user === '' ? {} : { username: login.user }) }),
    socket: {
      connectTimeout: requestLimitMs,
      reconnectStrategy: false,
      ...(isSecure ? { tls: true as const, ...(authorities === undefined ? {} : { ca: authorities }) } : {}),
    },
    disableClientInfo: true,
  }).withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
}

const noResponse = `no response within ${requestLimitMs} ms`;

function failure(error: unknown): RemoteFailure {
  // Another question got no response, and closed the connection.
  if (error instanceof DisconnectsClientError) return new RemoteFailure(noResponse);
  if (!(error instanceof ErrorReply)) return connectionFailure(error);
  const isRefused = /^(?:NOAUTH|WRONGPASS|NOPERM)\b/.test(error.message);
  return new RemoteFailure(error.message.slice(0, 200), isRefused);
}
