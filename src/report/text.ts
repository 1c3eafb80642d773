/** A number with its noun: `1 link`, `2 links`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A size as people read it, in binary units. */
export function sizeText(sizeBytes: number): string {
  const kibibytes = sizeBytes / 1024;
  return kibibytes < 1024 ? `${kibibytes.toFixed(1)} KiB` : `${(kibibytes / 1024).toFixed(1)} MiB`;
}

/** Shows control characters, so that a file name can neither break a line nor talk to the terminal. */
export function printable(line: string): string {
  return line.replace(/\p{Cc}/gu, (char) => {
    const shown = JSON.stringify(char).slice(1, -1);
    return shown === char ? `\\x${char.charCodeAt(0).toString(16)}` : shown;
  });
}
