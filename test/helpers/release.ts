import { readFileSync } from 'node:fs';

/** The code name of this machine's release. */
export const thisRelease = /^VERSION_CODENAME=(\w+)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'stable';
