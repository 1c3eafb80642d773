const cookie = /coding[:=][ \t]*([-_.a-zA-Z0-9]+)/g;

/**
 * Whether a source may have another encoding than UTF-8. The interpreter reads it with a module of its own then, which
 * is not among the files that it named. @see PEP 263
 */
export function hasOtherEncoding(source: Buffer): boolean {
  const secondLine = source.indexOf('\n') + 1;
  const end = source.indexOf('\n', secondLine);
  const firstLines = source.toString('latin1', 0, end === -1 ? source.length : end);
  return Array.from(firstLines.matchAll(cookie), ([, name = '']) => name.toLowerCase()).some(
    (name) => name !== 'utf-8' && name !== 'utf8',
  );
}
