/** Why a file was skipped or left as it was, in the order of the stages: keys for the manifest, texts for people. */
export const skipReasons = {
  'not-asked-for': "not compiled: outside the system's Python directories",
  excluded: 'excluded on request',
  'python-2': 'belongs to Python 2, whose bytecode is not supported',
  'name-not-utf8': 'the name is not UTF-8',
  'unreadable-directory': 'the directory cannot be listed',
  'other-file-system': 'not searched: it is on another file system; name it as a PATH to include it',
  unreadable: 'cannot be read',
  'not-a-source': 'not a Python source: its name is not NAME.py',
  'not-a-regular-file': 'not a regular file',
  'dangling-symlink': 'a dangling symlink',
  'symlink-outside': 'a symlink that points outside the buildroot',
  'cache-is-symlink': 'not compiled: its __pycache__ is a symlink',
  'mtime-not-set': 'not compiled: its mtime cannot be set, so its pycs would not stay valid',
  'no-interpreter': 'its interpreter is missing',
  'untrusted-interpreter': 'not compiled: another user controls its interpreter',
  'does-not-compile': 'does not compile',
  'worker-died': 'the interpreter died while compiling it',
  'worker-hung': 'the interpreter took too long to compile it',
  'not-written': 'its pycs cannot be written',
  'name-taken': 'pyc not written: its path exists and is not a regular file',
  'pyc-not-removed': 'old pyc cannot be removed',
  'source-is-symlink': 'source not removed: it is a symlink',
  'source-is-target': 'source not removed: a symlink leads to it',
  'source-is-script': 'source not removed: it is an executable script',
  'source-not-importable': 'source not removed: its name contains a dot, so no import loads its pyc',
  'source-not-removed': 'source not removed',
  'not-normalized': 'not normalized: left as the interpreter wrote it',
  'mode-differs': 'not linked: the identical pycs differ in mode',
  'owner-differs': 'not linked: the identical pycs differ in owner',
  'attributes-differ': 'not linked: the identical pycs differ in ACLs or extended attributes',
  'attributes-unknown': 'not linked: their ACLs or extended attributes cannot be read',
  'link-refused': 'not linked: the file system refused the link',
  'link-failed': 'not linked: the system call failed',
  'changed-meanwhile': 'not linked: the file changed while it was compared',
} as const;

export type SkipReason = keyof typeof skipReasons;

/** A skipped file. The path is a payload path or, for a name that is not UTF-8, an escaped form of it. */
export interface Skipped {
  readonly path: string;
  readonly reason: SkipReason;
  /** The message of the tool or the system, without host paths. */
  readonly message?: string;
}

const problems: ReadonlySet<SkipReason> = new Set([
  'unreadable-directory',
  'mtime-not-set',
  'unreadable',
  'no-interpreter',
  'untrusted-interpreter',
  'does-not-compile',
  'worker-died',
  'worker-hung',
  'not-written',
  'link-failed',
  'attributes-unknown',
  'name-taken',
  'source-not-removed',
  'pyc-not-removed',
]);

const forgivable: ReadonlySet<SkipReason> = new Set([
  'no-interpreter',
  'untrusted-interpreter',
  'does-not-compile',
  'worker-died',
  'worker-hung',
]);

/**
 * Whether `--errors warn` and `--allow-errors` turn a problem into a warning: yes if the source is at fault or its
 * interpreter is missing, no if the system refused something.
 */
export function isForgivable(reason: SkipReason): boolean {
  return forgivable.has(reason);
}

/** Whether something that was asked for is missing: exit status 1. */
export function isProblem(reason: SkipReason): boolean {
  return problems.has(reason);
}
