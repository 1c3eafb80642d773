// Loaded by Node.js before pyclink: at the end writes the CPU time of the main thread, in nanoseconds, to $BENCH_PROBE.
const { readFileSync, writeFileSync } = require('node:fs');
const { isMainThread } = require('node:worker_threads');

if (isMainThread) {
  process.on('exit', () => {
    const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ');
    writeFileSync(process.env.BENCH_PROBE, nanoseconds);
  });
}
