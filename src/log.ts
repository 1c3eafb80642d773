import { styleText } from 'node:util';
import { type Logger, pino } from 'pino';
import { printable } from './printable.ts';

/** The fields of a message: the file it is about, a hint, and lines that a tool wrote. */
interface LogFields {
  readonly path?: string | undefined;
  readonly hint?: string | undefined;
  readonly lines?: readonly string[];
}

export type Log = Logger;

/**
 * Creates the log: plain lines for people who read build logs, or JSON lines.
 * @param level the least important level to write
 * @param stream written synchronously, so that nothing is lost at exit
 * @param hasColour whether plain lines show warnings and errors in colour
 */
export function createLog(
  level: 'warn' | 'info' | 'debug',
  format: 'lines' | 'json',
  stream: NodeJS.WritableStream,
  hasColour = false,
): Log {
  const write =
    format === 'json'
      ? (entry: string) => stream.write(entry)
      : (entry: string) => stream.write(`${plainLines(JSON.parse(entry), hasColour)}\n`);
  return pino({ level, base: null, timestamp: format === 'json' }, { write });
}

function plainLines(entry: { level: number; msg: string } & LogFields, hasColour: boolean): string {
  const { level, msg, path, hint, lines = [] } = entry;
  const about = path === undefined ? '' : `${path}: `;
  return [
    `pyclink: ${severity(level, hasColour)}${printable(`${about}${msg}`)}`,
    ...lines.map((text) => printable(`    ${text}`)),
    ...(hint === undefined ? [] : [printable(`    hint: ${hint}`)]),
  ].join('\n');
}

function severity(level: number, hasColour: boolean): string {
  if (level < 40) return '';
  const [word, colour] = level >= 50 ? (['error:', 'red'] as const) : (['warning:', 'yellow'] as const);
  return `${hasColour ? styleText(colour, word) : word} `;
}
