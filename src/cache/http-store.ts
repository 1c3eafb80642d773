import http from 'node:http';
import https from 'node:https';
import {
  connectionFailure,
  maxEntryBytes,
  RemoteFailure,
  type RemoteSettings,
  type RemoteStore,
  requestLimitMs,
} from './remote-store.ts';

type Method = 'GET' | 'PUT';

interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly body: Buffer;
}

const maxRedirects = 3;

/** A cache server that supports `GET` and `PUT` of `BASE/KEY`. */
export class HttpStore implements RemoteStore {
  readonly #base: string;
  readonly #credentials: Pick<http.RequestOptions, 'auth' | 'headers'>;
  readonly #agent: http.Agent;
  readonly #isSecure: boolean;
  #isClosed = false;

  constructor({ url, login, token, authorities }: RemoteSettings) {
    this.#base = url;
    this.#isSecure = url.startsWith('https:');
    const options = { keepAlive: true };
    this.#agent = this.#isSecure
      ? new https.Agent({ ...options, ...(authorities === undefined ? {} : { ca: authorities }) })
      : new http.Agent(options);
    this.#credentials =
      token === undefined
        ? { auth: login && `${login.user}:${login.password}` }
        : { headers: { authorization: `Bearer ${token}` } };
  }

  async get(key: string): Promise<Buffer | undefined> {
    const { status, body } = await this.#answer('GET', key);
    if (status === 200) return body;
    if (status === 404) return undefined;
    throw failure(status);
  }

  async put(key: string, bytes: Buffer): Promise<boolean> {
    const { status } = await this.#answer('PUT', key, bytes);
    if (status >= 200 && status < 300) return true;
    if (status === 413) return false;
    throw failure(status);
  }

  close(): void {
    this.#isClosed = true;
    this.#agent.destroy();
  }

  /** Follows redirects only on the same server: another server must not get the credentials. */
  async #answer(method: Method, key: string, bytes?: Buffer): Promise<Answer> {
    const base = new URL(`${this.#base}/${key}`);
    const signal = AbortSignal.timeout(requestLimitMs);
    let url = base;
    for (let redirects = 0; ; redirects++) {
      const answer = await this.#once(method, url, bytes, signal);
      if (![301, 302, 303, 307, 308].includes(answer.status) || answer.location === undefined) return answer;
      if (redirects === maxRedirects) throw new RemoteFailure('too many redirects');
      const next = URL.canParse(answer.location, url.href) ? new URL(answer.location, url) : undefined;
      if (next?.origin !== base.origin) throw new RemoteFailure(`it redirects to ${next?.origin ?? 'nowhere'}`, true);
      url = next;
    }
  }

  async #once(method: Method, url: URL, bytes: Buffer | undefined, signal: AbortSignal): Promise<Answer> {
    for (;;) {
      const sent = this.#send(method, url, bytes, signal);
      try {
        return await sent.answer;
      } catch (error) {
        if (error instanceof RemoteFailure) throw error;
        const isGivenUp = signal.aborted || this.#isClosed;
        // The server has just closed an idle connection: try again. @see
        // https://nodejs.org/api/http.html#requestreusedsocket
        if (sent.isReused() && (error as NodeJS.ErrnoException).code === 'ECONNRESET' && !isGivenUp) continue;
        throw signal.aborted ? new RemoteFailure(`no response within ${requestLimitMs} ms`) : connectionFailure(error);
      }
    }
  }

  #send(method: Method, url: URL, bytes: Buffer | undefined, signal: AbortSignal) {
    const options = { ...this.#credentials, method, agent: this.#agent, signal };
    const request = this.#isSecure ? https.request(url, options) : http.request(url, options);
    const answer = new Promise<Answer>((resolve, reject) => {
      request.on('error', reject);
      request.on('response', (response) => {
        const pieces: Buffer[] = [];
        let size = 0;
        response.on('data', (piece: Buffer) => {
          pieces.push(piece);
          size += piece.length;
          if (size > maxEntryBytes) request.destroy(new RemoteFailure('a response larger than 64 MiB'));
        });
        response.on('error', reject);
        response.on('end', () => {
          const {
            statusCode: status = 0,
            headers: { location },
          } = response;
          resolve({ status, location, body: Buffer.concat(pieces) });
        });
      });
      request.end(bytes);
    });
    return { answer, isReused: () => request.reusedSocket };
  }
}

function failure(status: number): RemoteFailure {
  return new RemoteFailure(`HTTP status ${status}`, status === 401 || status === 403);
}
