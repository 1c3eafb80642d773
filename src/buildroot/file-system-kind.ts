import { statfsSync } from 'node:fs';
import { fileSystemOf, lstat } from '../files/stat.ts';
import { getOrAdd } from '../get-or-add.ts';

/** The file system of a directory compared with another: the same, one of the kernel's, or any other. */
type FileSystemKind = 'same' | 'kernel' | 'other';

/**
 * File systems that present kernel data, by their magic numbers. devtmpfs has the same number as tmpfs.
 * @see statfs(2), linux/magic.h
 */
const kernelTypes: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x0027e0eb, // cgroup
  0x63677270, // cgroup2
  0x00001cd1, // devpts
  0x19800202, // mqueue
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0x62656570, // configfs
  0xcafe4a11, // bpf
  0x67596969, // rpc_pipefs
  0x65735543, // fusectl
  0xf97cff8c, // selinuxfs
]);

/** Returns a function that compares file systems of directories with that of `top`. @throws the system's error */
export function kindsSeenFrom(top: string): (directory: string | Buffer) => FileSystemKind {
  const kinds = new Map<string, FileSystemKind>([[fileSystemOf(lstat(top)), 'same']]);
  return (directory) => {
    const fileSystem = fileSystemOf(lstat(directory));
    return getOrAdd(kinds, fileSystem, () => (kernelTypes.has(statfsSync(directory).type) ? 'kernel' : 'other'));
  };
}
