/** Preloaded into Node.js: the program sees inode numbers that differ in their last 11 bits only, beyond a double. */
const fs = require('node:fs');

for (const name of ['lstatSync', 'statSync', 'fstatSync']) {
  const real = fs[name];
  fs[name] = (file, options) => {
    const stats = real(file, { ...options, bigint: true });
    if (stats === undefined) return undefined;
    const ino = 2n ** 63n + stats.ino;
    return options?.bigint === true
      ? Object.assign(stats, { ino })
      : Object.assign(real(file, options), { ino: Number(ino) });
  };
}
