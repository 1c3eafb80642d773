import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';
import { errnoOf } from '../errors.ts';
import { exitSignal } from '../exit-signal.ts';
import { foreignWriter } from './foreign-writer.ts';
import { ifPossible, ifRefused } from './if-possible.ts';
import { isProgram, trustedPath } from './program-path.ts';

/**
 * Answers each line of its input, a question in JSON, with one line.
 * - Without `bits`: the extended attributes of each path as text, including ACLs, but not those that belong to the
 *   inode.
 * - With `bits`: null after it has copied the extended attributes, the owner and these mode bits from the first path to
 *   the second. A failure is an object with the errno name.
 * fakeroot(1) changes the owners and modes that the C library reports, but Node.js asks the kernel. So the text
 * includes owner and mode under fakeroot.
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

/** Whether this process runs under fakeroot(1): other programs then see owners and modes that Node.js does not see. */
export const ownersAreFaked = env['FAKEROOTKEY'] !== undefined;

/** A question for the helper. */
export interface Question {
  readonly paths: readonly string[];
  /** Copies attributes from the first path to the second; the mode bits to copy. */
  readonly bits?: number;
}

/** The pipes to the helper, or the reason why there is no helper. */
type Helper = { readonly to: number; readonly from: number } | { readonly lack: string };

let helper: Helper | undefined;

/**
 * Asks a Python process about extended attributes, because Node.js has no calls for them. The first question starts the
 * process, which serves this thread until the program ends. Blocks until the answer arrives.
 * @returns the parsed answer, or the reason why there is none
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
  const program = programs.find((path) => isProgram(path) && !foreignWriter(path));
  if (program === undefined) return { lack: 'no python3' };
  exitSignal();
  return ifRefused(
    () => startProgram(program),
    (error) => ({ lack: `python3 cannot be started (${errnoOf(error)})` }),
  );
}

/**
 * Uses named pipes, because Node.js cannot block on the pipes that it makes for child processes. The names are removed
 * once both ends are open.
 * @throws the system's error
 */
function startProgram(program: string): Helper {
  const directory = temporaryDirectory([tmpdir(), '/tmp', '/var/tmp']);
  try {
    const pipes = ['to', 'from'].map((name) => join(directory, name));
    const { error, status } = spawnSync('mkfifo', pipes, { env: { PATH: trustedPath() } });
    if (error !== undefined || status !== 0) return { lack: 'mkfifo failed' };
    const [[input, to], [from, output]] = pipes.map(endsOf) as [Ends, Ends];
    // Its standard error also goes to the pipe: text there is not a valid answer, so the helper is given up.
    // /dev/null is not needed.
    // Ctrl-C reaches all programs of a terminal's job: this process handles it only after the current file.
    const child = spawn(program, ['-I', '-S', '-c', script], { detached: true, stdio: [input, output, output] });
    child.once('error', () => undefined);
    child.unref();
    closeSync(input);
    closeSync(output);
    return { to, from };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Makes a temporary directory in the first of these directories where that works. @throws the system's error */
function temporaryDirectory([first = '/', ...others]: readonly string[]): string {
  const make = () => mkdtempSync(join(first, 'pyclink-'));
  return others.length === 0 ? make() : (ifPossible(make) ?? temporaryDirectory(others));
}

type Ends = readonly [read: number, write: number];

/** Opens both ends of a named pipe. Opening one end blocks until the other is open, so it is first opened for both. */
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

/** @returns a line, or less if the other side ended */
function readLine(descriptor: number): string {
  let line = '';
  for (;;) {
    const size = readSync(descriptor, portion);
    // The answers are ASCII.
    line += portion.toString('latin1', 0, size);
    if (size === 0 || portion[size - 1] === 0x0a) return line;
  }
}
