// Loaded by Node.js before pyclink: at the end writes the most memory that it took, in MiB, to $FUZZ_MEMORY.
const { writeFileSync } = require('node:fs');

process.on('exit', () => {
  writeFileSync(process.env.FUZZ_MEMORY, String(Math.round(process.resourceUsage().maxRSS / 1024)));
});
