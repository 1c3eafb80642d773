// Loaded by Node.js before pyclink: at the end writes the most memory that it took, in MiB, and its time on processors, in
// milliseconds, to $FUZZ_USAGE.
const { writeFileSync } = require('node:fs');

process.on('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  const figures = [maxRSS / 1024, (userCPUTime + systemCPUTime) / 1000].map(Math.round);
  writeFileSync(process.env.FUZZ_USAGE, figures.join(' '));
});
