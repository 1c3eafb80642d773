/** Shows control characters, so that a file name can neither break a line nor talk to the terminal. */
export function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, (char) => {
    const shown = JSON.stringify(char).slice(1, -1);
    return shown === char ? `\\x${char.charCodeAt(0).toString(16)}` : shown;
  });
}
