/** Escapes control characters: a file name can neither break a log line nor control the terminal. */
export function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, (char) => {
    const shown = JSON.stringify(char).slice(1, -1);
    return shown === char ? `\\x${char.charCodeAt(0).toString(16)}` : shown;
  });
}
