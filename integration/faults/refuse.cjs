/**
 * Loaded into pyclink with --require, into its threads too: makes one call of node:fs on one file fail, or writes down
 * all the calls that it might fail.
 *
 * REFUSE is JSON: `file`, a regular expression of paths; `log`, where calls are written down; or `call`, one of those, and
 * `code` and `errno`, with which it fails. A call is named by its function, its paths, and how often the thread has made
 * it: that is the same in each run, whatever other threads do.
 */
const fs = require('node:fs');

const { file, log, call: refused, code, errno } = JSON.parse(process.env.REFUSE);
const isMeant = new RegExp(file);
const { appendFileSync } = fs;

/** The paths of open files. */
const opened = new Map();
const counts = new Map();
let isInside = false;

/** A path with the descriptor of a held directory in front, as the path that it is. */
function plain(argument) {
  if (typeof argument === 'number') return opened.get(argument);
  if (typeof argument !== 'string' && !Buffer.isBuffer(argument)) return undefined;
  const path = `${argument}`.replace(/^\/proc\/self\/fd\/(\d+)/, (whole, fd) => opened.get(Number(fd)) ?? whole);
  return path.replace(/\.pyclink-\d+-[0-9a-f-]{36}/, '.pyclink-NEW');
}

/** The name of a call, if it is about the file. */
function nameOf(name, parameters) {
  const count = /^(?:rename|link|symlink|copyFile)/.test(name) ? 2 : 1;
  const paths = parameters.slice(0, count).map(plain);
  if (!paths.some((path) => path !== undefined && isMeant.test(path))) return undefined;
  const call = `${name} ${paths.join(' ')}`;
  counts.set(call, (counts.get(call) ?? 0) + 1);
  return `${call} ${counts.get(call)}`;
}

function errorOf(name, parameters) {
  const syscall = name.replace('Sync', '');
  const said = code === 'EDQUOT' ? 'UNKNOWN: unknown error' : `${code}: refused`;
  const path = plain(parameters[0]);
  return Object.assign(new Error(`${said}, ${syscall} '${path}'`), {
    errno: -errno,
    code: code === 'EDQUOT' ? 'UNKNOWN' : code,
    syscall,
    path,
  });
}

/** Whether this call is the one to fail. */
function isRefused(name, parameters) {
  const call = nameOf(name, parameters);
  if (call === undefined) return false;
  if (refused !== undefined && call !== refused) return false;
  isInside = true;
  appendFileSync(log, `${call}\n`);
  isInside = false;
  return call === refused;
}

function wrapped(name, original) {
  const isSync = name.endsWith('Sync');
  return function (...parameters) {
    // What a function of node:fs calls itself is a part of it.
    if (isInside) return original.apply(this, parameters);
    const callback = parameters.at(-1);
    if (isRefused(name, parameters)) {
      // The descriptor is gone, whatever close says.
      if (name === 'closeSync') original.apply(this, parameters);
      if (name === 'existsSync') return false;
      const error = errorOf(name, parameters);
      if (!isSync) return void process.nextTick(callback, error);
      if (code === 'ENOENT' && parameters[1]?.throwIfNoEntry === false) return undefined;
      throw error;
    }
    if (!isSync) {
      const noted = (error, descriptor, ...more) => {
        if (name === 'open') opened.set(descriptor, plain(parameters[0]));
        callback(error, descriptor, ...more);
      };
      return original.apply(this, [...parameters.slice(0, -1), noted]);
    }
    isInside = true;
    try {
      const result = original.apply(this, parameters);
      if (name === 'openSync') opened.set(result, plain(parameters[0]));
      return result;
    } finally {
      isInside = false;
    }
  };
}

for (const [name, original] of Object.entries(fs)) {
  if (typeof original !== 'function' || !/^[a-z]/.test(name)) continue;
  const isAsync = ['open', 'read', 'close', 'stat', 'fstat'].includes(name);
  if (!isAsync && !name.endsWith('Sync')) continue;
  const { native } = original;
  fs[name] = wrapped(name, original);
  if (native !== undefined) fs[name].native = wrapped(name, native);
}
