import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execaSync } from 'execa';
import { onTestFinished } from 'vitest';
import { temporaryDirectory } from '../../test/helpers/buildroot.ts';
import { worlds } from '../../test/helpers/worlds.ts';

/** A real server for entries, of this test alone. */
export interface Server {
  readonly url: string;
  /** Where the files of its entries are, if it has some. */
  readonly store: string;
  /** Its log of requests, if it has one. */
  readonly log: () => string;
  /** Sends a signal to all of its processes. */
  readonly signal: (name: NodeJS.Signals) => void;
}

/** What may differ from one server to another. */
export interface ServerOptions {
  /** Directives of nginx, in its `location`. */
  readonly location?: string;
  /** Directives of nginx, in its `server`. */
  readonly server?: string;
  /** Serves HTTPS with this certificate. */
  readonly certificate?: { readonly file: string; readonly key: string };
  readonly redis?: readonly string[];
}

/** Starts nginx with its DAV module. */
export async function startNginx(options: ServerOptions = {}): Promise<Server> {
  const { work, store, port, log } = await newServer();
  const { certificate } = options;
  const tls = certificate ? `ssl_certificate ${certificate.file}; ssl_certificate_key ${certificate.key};` : '';
  writeFileSync(
    join(work, 'nginx.conf'),
    `daemon off; pid ${work}/pid; worker_processes 2;
     events {}
     http {
       log_format short '$request_method $status'; access_log ${log} short;
       client_body_temp_path ${work}/body; proxy_temp_path ${work}/proxy; fastcgi_temp_path ${work}/fastcgi;
       uwsgi_temp_path ${work}/uwsgi; scgi_temp_path ${work}/scgi;
       server {
         listen 127.0.0.1:${port}${certificate ? ' ssl' : ''}; client_max_body_size 64m; ${tls} ${options.server ?? ''}
         location /cache/ { alias ${store}/; dav_methods PUT; ${options.location ?? ''} }
       }
     }`,
  );
  const command = ['nginx', '-e', `${work}/errors`, '-c', join(work, 'nginx.conf')];
  const host = certificate ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  return started(command, port, { url: `${host}/cache`, store, log: logOf(log) });
}

/** Starts Apache with its DAV module. */
export async function startApache(): Promise<Server> {
  const { work, store, port, log } = await newServer();
  const modules = ['mpm_event', 'authz_core', 'dav', 'dav_fs', 'alias'];
  const load = modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`);
  writeFileSync(
    join(work, 'apache.conf'),
    [
      ...load,
      ...(process.getuid?.() === 0 ? ['User www-data', 'Group www-data'] : []),
      ...[`ServerRoot ${work}`, `PidFile ${work}/pid`, `ErrorLog ${work}/errors`, 'ServerName localhost'],
      ...[`Listen 127.0.0.1:${port}`, `DavLockDB ${work}/body/locks`, `Alias /cache ${store}`],
      ...[`<Directory ${store}>`, 'Dav On', 'Require all granted', '</Directory>', ''],
    ].join('\n'),
  );
  const command = ['apache2', '-DFOREGROUND', '-f', join(work, 'apache.conf')];
  return started(command, port, { url: `http://127.0.0.1:${port}/cache`, store, log: logOf(log) });
}

/** Starts Redis, or Valkey of Debian 13. */
export async function startRedis(name: 'redis-server' | 'valkey-server', options: ServerOptions = {}): Promise<Server> {
  const { store, port, log } = await newServer();
  const inWorld = name === 'valkey-server' ? ['chroot', worlds.trixie.root] : [];
  const quiet = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--dir', '/tmp'];
  const command = [...inWorld, name, '--port', `${port}`, ...quiet, ...(options.redis ?? [])];
  return started(command, port, { url: `redis://127.0.0.1:${port}`, store, log: logOf(log) });
}

/** A port that nobody listens at. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Makes a certificate for localhost that signs itself. */
export function certificateIn(directory: string): { readonly file: string; readonly key: string } {
  const [file, key] = [join(directory, 'certificate.pem'), join(directory, 'key.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '2'];
  execaSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', file, ...subject]);
  return { file, key };
}

/** Directories that the users of servers may write to. */
async function newServer() {
  const work = temporaryDirectory();
  const [store, body] = [join(work, 'store'), join(work, 'body')];
  for (const directory of [store, body]) {
    mkdirSync(directory);
    chmodSync(directory, 0o777);
  }
  chmodSync(work, 0o755);
  return { work, store, port: await freePort(), log: join(work, 'log') };
}

async function started(command: readonly string[], port: number, server: Omit<Server, 'signal'>): Promise<Server> {
  const [program = '', ...args] = command;
  // A process group of its own, for signals to all of its processes.
  const running = spawn(program, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise((resolve) => running.once('close', resolve));
  const signal = (name: NodeJS.Signals) => strike(running, name);
  onTestFinished(async () => {
    signal('SIGKILL');
    await ended;
  });
  for (let tries = 0; !(await listens(port)); tries++) {
    if (running.exitCode !== null || tries > 500)
      throw new Error(`${program} does not start: ${running.stderr.read()}`);
    await sleep(20);
  }
  return { ...server, signal };
}

function strike({ pid }: ChildProcess, name: NodeJS.Signals): void {
  try {
    process.kill(-(pid as number), name);
  } catch {
    // It has ended.
  }
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function logOf(file: string): () => string {
  return () => (existsSync(file) ? readFileSync(file, 'utf8') : '');
}
