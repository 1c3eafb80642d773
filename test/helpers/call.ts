import { Writable } from 'node:stream';
import { main } from '../../src/cli/main.ts';
import type { Ran } from './pyclink.ts';

/** Calls pyclink without a process. */
export async function call(
  argv: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ran & { readonly status: number }> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) =>
    new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        written[name] += chunk.toString();
        done();
      },
    });
  const status = await main(argv, environment, { stdout: stream('stdout'), stderr: stream('stderr') });
  return { status, ...written };
}
