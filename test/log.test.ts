import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLog, type Log } from '../src/log.ts';

/** What a log writes, chunk by chunk, while these messages are logged. */
function logged(level: 'warn' | 'info' | 'debug', format: 'lines' | 'json', messages: (log: Log) => void): string {
  const chunks: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      chunks.push(String(chunk));
      done();
    },
  });
  messages(createLog(level, format, stream));
  return chunks.join('');
}

describe('createLog', () => {
  it.each<[string, (log: Log) => void, string]>([
    ['a message', (log) => log.info('hello'), 'pyclink: hello\n'],
    ['a warning', (log) => log.warn('careful'), 'pyclink: warning: careful\n'],
    ['an error', (log) => log.error('no'), 'pyclink: error: no\n'],
    ['a message about a file', (log) => log.warn({ path: '/a.py' }, 'careful'), 'pyclink: warning: /a.py: careful\n'],
    [
      'what a tool said, and what to do',
      (log) => log.error({ path: '/a.py', lines: ['line 1', '  ^'], hint: 'mend it' }, 'no'),
      'pyclink: error: /a.py: no\n    line 1\n      ^\n    hint: mend it\n',
    ],
    [
      'a name that would break the line',
      (log) => log.warn({ path: '/a\n.py', lines: ['\x1b[31m'], hint: '\r' }, 'care\tful'),
      'pyclink: warning: /a\\n.py: care\\tful\n    \\u001b[31m\n    hint: \\r\n',
    ],
    ['what looks like a template', (log) => log.info('{level} %s {msg}'), 'pyclink: {level} %s {msg}\n'],
    ['two messages', (log) => [log.info('one'), log.info('two')], 'pyclink: one\npyclink: two\n'],
  ])('writes %s as plain lines, at once', (_name, messages, text) => {
    expect(logged('info', 'lines', messages)).toBe(text);
  });

  it.each([
    ['warn', 'pyclink: error: e\npyclink: warning: w\n'],
    ['info', 'pyclink: error: e\npyclink: warning: w\npyclink: i\n'],
    ['debug', 'pyclink: error: e\npyclink: warning: w\npyclink: i\npyclink: d\n'],
  ] as const)('at level %s writes %j', (level, text) => {
    const all = (log: Log) => [log.error('e'), log.warn('w'), log.info('i'), log.debug('d')];
    expect(logged(level, 'lines', all)).toBe(text);
  });

  it('writes JSON for machines, one object per line', () => {
    const text = logged('info', 'json', (log) => {
      log.warn({ path: '/a\n.py', lines: ['said'] }, 'careful');
      log.info('done');
    });
    expect(text.endsWith('\n')).toBe(true);
    const entries = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(entries).toEqual([
      { level: 40, time: expect.any(Number), path: '/a\n.py', lines: ['said'], msg: 'careful' },
      { level: 30, time: expect.any(Number), msg: 'done' },
    ]);
  });
});
