import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { Call } from '../../src/cli/call.ts';

it('adds listeners to stderr only once', async () => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const call = new Call({}, { stdout, stderr });
  const listeners = () => stderr.eventNames().reduce((sum, name) => sum + stderr.listenerCount(name), 0);
  (await call.log()).warn('first');
  const before = listeners();
  for (let i = 0; i < 20; i++) (await call.log()).warn('again');
  expect(listeners()).toBe(before);
  stderr.end();
  expect((await text(stderr)).match(/again/g)).toHaveLength(20);
});
