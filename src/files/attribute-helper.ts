import { spawn, spawnSync } from 'node:child_process';
import { accessSync, closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { errnoOf } from '../errors.ts';
import { exitSignal } from '../exit-signal.ts';
import { foreignWriter } from './foreign-writer.ts';
import { ifPossible } from './if-possible.ts';
import { trustedPath } from './program-path.ts';

/**
 * Answers each line of its input, a question in JSON, by one line. Without `bits`: of each path the extended attributes,
 * ACLs among them, as text, without those that belong to the inode and not to what the file is. With `bits`: null when
 * the second path has those of the first, its owner, and these bits of its mode. A failure is an object with the name of
 * the error. fakeroot(1) changes what the C library says of owners and modes, and Node.js asks the kernel: so they are in
 * the text too.
 */
const script = `
import errno, json, os, sys
of_inode = ("security.evm", "trusted.overlay.", "user.overlay.", "lustre.", "trusted.lov", "trusted.lma", "trusted.link")
none = (errno.ENOTSUP, errno.ENOSYS)
def read(path, follow=False):
    try:
        names = os.listxattr(path, follow_symlinks=follow)
    except OSError as error:
        if error.errno not in none: raise
        return {}
    return {name: os.getxattr(path, name, follow_symlinks=follow) for name in names if not name.startswith(of_inode)}
def text(path):
    stat = os.lstat(path)
    faked = "owner %d:%d, mode %o\\n" % (stat.st_uid, stat.st_gid, stat.st_mode) if "FAKEROOTKEY" in os.environ else ""
    return faked + "".join("%s=%s\\n" % (name, value.hex()) for name, value in sorted(read(path).items()))
def copy(old, new, bits):
    stat = os.lstat(old)
    refused = attempt(os.chown, new, stat.st_uid, stat.st_gid)
    if refused: return {**refused, "is_owner": True}
    wanted, there = read(old), read(new, True)
    for name in there:
        if name not in wanted: os.removexattr(new, name)
    for name, value in wanted.items():
        if there.get(name) != value: os.setxattr(new, name, value)
    os.chmod(new, stat.st_mode & bits)
def attempt(work, *arguments):
    try:
        return work(*arguments)
    except OSError as error:
        return {"failed": errno.errorcode.get(error.errno, str(error.errno))}
for line in sys.stdin.buffer:
    asked = json.loads(line.decode())
    paths = [path.encode() for path in asked["paths"]]
    answer = attempt(copy, *paths, asked["bits"]) if "bits" in asked else [attempt(text, path) for path in paths]
    sys.stdout.write(json.dumps(answer) + "\\n")
    sys.stdout.flush()
`;

/** Whether fakeroot(1) tells this process's programs other owners and modes than the kernel tells Node.js. */
export const ownersAreFaked = env['FAKEROOTKEY'] !== undefined;

/** What the helper is asked. */
export interface Question {
  readonly paths: readonly string[];
  /** The first path is to be copied from, the second to: which bits of the mode. */
  readonly bits?: number;
}

/** The ends of the pipes to the helper; or why there is none. */
type Helper = { readonly to: number; readonly from: number } | { readonly lack: string };

let helper: Helper | undefined;

/**
 * Asks a Python about extended attributes, for which Node.js has no calls. It is started by the first question, and serves
 * this thread until the process ends. Waits for the answer.
 * @returns what the answer is in JSON, or why there is none
 */
export function askHelper(question: Question): { readonly answer: unknown } | { readonly lack: string } {
  helper ??= startHelper();
  if ('lack' in helper) return helper;
  try {
    writeWhole(helper.to, `${JSON.stringify(question)}\n`);
    return { answer: JSON.parse(readLine(helper.from)) };
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof SyntaxError)) throw error;
    helper = { lack: 'python3 ended' };
    return helper;
  }
}

function startHelper(): Helper {
  const programs = ['/usr/bin', ...trustedPath().split(':')].map((directory) => join(directory, 'python3'));
  const program = programs.find((path) => isExecutable(path) && !foreignWriter(path));
  if (program === undefined) return { lack: 'no python3' };
  exitSignal();
  try {
    return withPipes((pipes) => {
      const { error, status } = spawnSync('mkfifo', pipes, { env: { PATH: trustedPath() } });
      if (error !== undefined || status !== 0) return { lack: 'mkfifo failed' };
      const [[input, to], [from, output]] = pipes.map(endsOf) as [Ends, Ends];
      // What it says of its own is no answer, and so its end. To ignore it would need /dev/null.
      const child = spawn(program, ['-I', '-S', '-c', script], { stdio: [input, output, output] });
      child.once('error', () => undefined);
      child.unref();
      closeSync(input);
      closeSync(output);
      return { to, from };
    });
  } catch (error) {
    if (errnoOf(error) === undefined) throw error;
    return { lack: `python3 cannot be started (${errnoOf(error)})` };
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Node.js cannot wait for the pipes that it makes for its children, so these have names; only until both ends are open. */
function withPipes(use: (pipes: readonly string[]) => Helper): Helper {
  const directory = temporaryDirectory([tmpdir(), '/tmp', '/var/tmp']);
  try {
    return use(['to', 'from'].map((name) => join(directory, name)));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A new directory in the first of these that can have one. @throws the system's error */
function temporaryDirectory([first = '/', ...others]: readonly string[]): string {
  const make = () => mkdtempSync(join(first, 'pyclink-'));
  return others.length === 0 ? make() : (ifPossible(make) ?? temporaryDirectory(others));
}

type Ends = readonly [read: number, write: number];

/** Opens a named pipe. Opening one end waits for the other, but not if somebody has it open for both. */
function endsOf(pipe: string): Ends {
  const both = openSync(pipe, constants.O_RDWR);
  try {
    return [openSync(pipe, constants.O_RDONLY), openSync(pipe, constants.O_WRONLY)];
  } finally {
    closeSync(both);
  }
}

function writeWhole(descriptor: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
}

const portion = Buffer.allocUnsafeSlow(65_536);

/** @returns what came until the other side ended, if that is less than a line */
function readLine(descriptor: number): string {
  let line = '';
  for (;;) {
    const size = readSync(descriptor, portion);
    // All of it is ASCII.
    line += portion.toString('latin1', 0, size);
    if (size === 0 || portion[size - 1] === 0x0a) return line;
  }
}
