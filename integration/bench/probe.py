"""compileall that at its end writes the CPU time of its main thread, in nanoseconds, to $BENCH_PROBE."""
import compileall
import os
import sys

done = compileall.main()
with open("/proc/self/task/%d/schedstat" % os.getpid()) as file:
    nanoseconds = file.read().split()[0]
with open(os.environ["BENCH_PROBE"], "w") as file:
    file.write(nanoseconds)
sys.exit(not done)
