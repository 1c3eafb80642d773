/**
 * Why a file was skipped or left as it was: the key is for the manifest, the text for people. In order of the stages.
 */
export const skipReasons = {
  'not-asked-for': "left out: not in a directory of the system's Pythons",
  excluded: 'left out on request',
  'python-2': 'belongs to Python 2, whose bytecode is not supported',
  'name-not-utf8': 'the name is not UTF-8',
  'unreadable-directory': 'the directory cannot be listed',
  'other-file-system': 'not searched, because it is on another file system: give it as a PATH',
  unreadable: 'cannot be read',
  'not-a-source': 'not named as a Python source',
  'not-a-regular-file': 'not a regular file',
  'dangling-symlink': 'a symlink to nothing',
  'symlink-outside': 'a symlink that leads out of the buildroot',
  'cache-is-symlink': 'not compiled: its __pycache__ is a symlink',
  'mtime-not-set': 'not compiled: its mtime cannot be set, so its pycs would not stay valid',
  'no-interpreter': 'its interpreter is missing',
  'untrusted-interpreter': 'passed over: another user decides what its interpreter is',
  'does-not-compile': 'does not compile',
  'worker-died': 'the interpreter died while compiling it',
  'worker-hung': 'the interpreter took too long to compile it',
  'not-written': 'its pycs cannot be written',
  'name-taken': 'a pyc is not written: something else has its name',
  'source-is-symlink': 'its source is a symlink, and not removed',
  'source-not-removed': 'its source is not removed',
  'not-normalized': 'left as the interpreter wrote it, not in normal form',
  'mode-differs': 'not linked: the identical pycs differ in mode',
  'owner-differs': 'not linked: the identical pycs differ in owner',
  'attributes-differ': 'not linked: the identical pycs differ in ACL or extended attributes',
  'attributes-unknown': 'not linked: ACL and extended attributes cannot be read',
  'link-refused': 'not linked: the file system refused the link',
  'link-failed': 'not linked: the system failed to',
  'changed-meanwhile': 'not linked: the file changed while it was compared',
} as const;

export type SkipReason = keyof typeof skipReasons;

/** A file that was skipped. The path is a payload path, or, for a name that is not UTF-8, a rendering of it. */
export interface Skipped {
  readonly path: string;
  readonly reason: SkipReason;
  /** What the tool or the system said, without host paths. */
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
]);

const forgivable: ReadonlySet<SkipReason> = new Set([
  'no-interpreter',
  'untrusted-interpreter',
  'does-not-compile',
  'worker-died',
  'worker-hung',
]);

/**
 * Whether `--errors warn` and `--allow-errors` make a warning of a problem: the source is at fault, or has no interpreter.
 * What the system refuses is never forgiven.
 */
export function isForgivable(reason: SkipReason): boolean {
  return forgivable.has(reason);
}

/** Whether the reason means that what was asked for is missing: exit status 1. */
export function isProblem(reason: SkipReason): boolean {
  return problems.has(reason);
}
