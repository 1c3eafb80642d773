/** Which of some programs still show what the reduced program has to show. */
type Judge = (candidates: readonly Buffer[]) => Promise<readonly boolean[]>;

/** How to take a program apart; each part keeps its bytes. */
const takeApart: readonly ((text: string) => string[])[] = [
  (text) => text.split(/(?<=\r\n|\n|\r(?!\n))/),
  (text) => text.match(/\w+|\s|[^\w\s]/g) ?? [],
  (text) => [...text],
];

/** So many candidates are judged in one go, the shortest first. */
const maxCandidates = 400;

/**
 * Makes a program as short as it gets by leaving out runs of its lines, then of its tokens, then of its characters.
 * All candidates of a round are judged together, since a judgement costs about the same for one and for many.
 */
export async function reduce(program: Buffer, judge: Judge): Promise<Buffer> {
  let text = program.toString('latin1');
  for (const parts of takeApart) {
    for (;;) {
      const candidates = shorter(parts(text)).filter((candidate) => candidate.length < text.length);
      const judged = await judge(candidates.map((candidate) => Buffer.from(candidate, 'latin1')));
      const found = candidates.find((_, i) => judged[i]);
      if (found === undefined) break;
      text = found;
    }
  }
  return Buffer.from(text, 'latin1');
}

/** A program with each run of parts left out, of every length that is a power of two; the shortest first. */
function shorter(parts: readonly string[]): string[] {
  const candidates = new Set<string>();
  for (let size = 2 ** Math.floor(Math.log2(parts.length)); size >= 1; size /= 2) {
    for (let at = 0; at < parts.length; at += Math.max(1, size / 2)) {
      const behind = parts.slice(at + size);
      candidates.add([...parts.slice(0, at), ...behind].join(''));
      // The block under a header moves up to it.
      candidates.add([...parts.slice(0, at), ...behind.map((part) => part.replace(/^[ \t]/, ''))].join(''));
    }
  }
  return [...candidates].sort((a, b) => a.length - b.length).slice(0, maxCandidates);
}
