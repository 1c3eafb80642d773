/**
 * Escapes unprintable characters, so that a file name cannot break a log line, control the terminal, change the text
 * direction or make a document invalid.
 * @see XML 1.0, 2.2; Unicode, 23.7 Noncharacters
 */
export function printable(line: string): string {
  return line.replace(noText, (char) => {
    const code = char.codePointAt(0) as number;
    const shown = JSON.stringify(char).slice(1, -1);
    if (shown !== char) return shown;
    const digits = code.toString(16);
    return code > 0xffff ? `\\u{${digits}}` : code > 0xff ? `\\u${digits.padStart(4, '0')}` : `\\x${digits}`;
  });
}

const noText = /[\p{Cc}\p{Cs}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]/gu;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A path as text. In a name that is not UTF-8, each byte beyond ASCII is shown as `\\xNN`. */
export function pathText(path: Buffer): string {
  const text = path.toString('latin1');
  if (/^[\0-\x7f]*$/.test(text)) return text;
  return text.split('/').map(nameText).join('/');
}

/** A path from Python in the form of `pathText`: a lone surrogate stands for a byte that is not UTF-8. @see PEP 383 */
export function pathTextOfPython(path: string): string {
  const parts = path.split(/([\udc80-\udcff])/u);
  return pathText(Buffer.concat(parts.map((part, i) => Buffer.from(i % 2 === 0 ? part : [part.charCodeAt(0) & 0xff]))));
}

function nameText(latin1: string): string {
  try {
    return utf8.decode(Buffer.from(latin1, 'latin1'));
  } catch {
    return latin1.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);
  }
}
