"""Says of each pyc on standard input, with its size before it, whether importlib loads it: one line each."""
import resource
import signal
import sys
from importlib.machinery import SourcelessFileLoader


class Loader(SourcelessFileLoader):
    def get_data(self, path):
        return self.data


# A damaged size asks for any amount of memory.
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
loader = Loader("pyc", "pyc.pyc")
stdin = sys.stdin.buffer
while True:
    size = stdin.read(4)
    if len(size) < 4:
        break
    loader.data = stdin.read(int.from_bytes(size, "little"))
    signal.alarm(20)
    try:
        loader.get_code("pyc")
        answer = ""
    except (Exception, RecursionError) as error:
        answer = "%s: %s" % (type(error).__name__, error)
    sys.stdout.write(ascii(answer) + "\n")
    sys.stdout.flush()
