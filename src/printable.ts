/** Escapes control characters: a file name can neither break a log line nor control the terminal. */
export function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, (char) => {
    const shown = JSON.stringify(char).slice(1, -1);
    return shown === char ? `\\x${char.charCodeAt(0).toString(16)}` : shown;
  });
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A path as text. In a name that is not UTF-8, each byte beyond ASCII is shown as `\\xNN`. */
export function pathText(path: Buffer): string {
  const text = path.toString('latin1');
  if (/^[\0-\x7f]*$/.test(text)) return text;
  return text.split('/').map(nameText).join('/');
}

function nameText(latin1: string): string {
  try {
    return utf8.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
  }
}
