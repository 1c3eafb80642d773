import {
  blockBytes,
  hasMoreOfMap,
  numberAt,
  type PaxRecords,
  type Sparse,
  sparseInHeader,
  sparseInPax,
} from './sparse.ts';

/** Facts about a member that tar-stream does not report. */
export interface MemberExtras {
  /** The number of stored bytes. */
  readonly storedBytes: number;
  /** Its name in a pax header, as bytes. */
  readonly name?: Buffer | undefined;
  readonly linkName?: Buffer | undefined;
  readonly sparse?: Sparse | undefined;
}

/** tar-stream refuses larger ones. */
const maxPaxBytes = 4 * 2 ** 20;
/** More pieces than a file of 64 MiB can have. */
const maxMapBlocks = 8192;
/** Keys that a global header must not contain: some programs use them, some do not. */
const ofOneMember = /^(?:path|linkpath|size|GNU\.sparse\..*)$/;
/** Keys whose values some programs truncate at a zero byte, and some replace by the header if they are empty. */
const ofNameOrSize = /^(?:path|linkpath|size|GNU\.sparse\.name)$/;
/** Links, symlinks, devices and fifos. For a directory, POSIX allows a size: the limit for its files. */
const hasNoContent = /^[12346]$/;
/** The most that may follow the end of a tar: more than any tape record. */
const maxBytesBehindEnd = 64 * 2 ** 20;

/** How to handle the next bytes of a tar. */
interface Step {
  readonly bytes: number;
  /** The step examines them. */
  readonly isTaken?: boolean;
  /** They are not passed to tar-stream. */
  readonly isDropped?: boolean;
}

/**
 * Passes a tar on to tar-stream. Records what tar-stream does not report, by member number from 1 on. Removes blocks of
 * sparse files that it does not know. Ends the tar where unpacking programs end it.
 * @throws if programs interpret the content differently
 * @see tar(5), "Pax Interchange Format" and "GNU tar archives"
 */
export async function* withExtras(
  source: AsyncIterable<Buffer>,
  extras: Map<number, MemberExtras>,
): AsyncGenerator<Buffer> {
  const steps = stepsThrough(extras);
  let step = steps.next().value;
  let left = step.bytes;
  let taken: Buffer[] = [];
  for await (const chunk of source) {
    const passed: Buffer[] = [];
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + left);
      at += piece.length;
      left -= piece.length;
      if (step.isTaken === true) taken.push(piece);
      if (step.isDropped !== true) passed.push(piece);
      if (left > 0) break;
      step = steps.next(taken.length === 1 ? taken[0] : Buffer.concat(taken)).value;
      left = step.bytes;
      taken = [];
    }
    const isWhole = passed.reduce((sum, { length }) => sum + length, 0) === chunk.length;
    if (passed.length > 0) yield isWhole ? chunk : Buffer.concat(passed);
  }
}

/** The steps from the start of a tar to its end. Each handles at least one byte. */
function* stepsThrough(extras: Map<number, MemberExtras>): Generator<Step, never, Buffer | undefined> {
  let members = 0;
  let pax: PaxRecords = [];
  for (;;) {
    const header = yield* take(blockBytes);
    if (isZero(header)) {
      if (!isZero(yield* take(blockBytes)))
        throw new Error('it continues after a block of zeros, where some programs stop');
      yield { bytes: maxBytesBehindEnd, isDropped: true };
      throw new Error('it continues for more than 64 MiB after its end');
    }
    const type = String.fromCharCode(header[156] ?? 0);
    const sizeBytes = numberAt(header, 124);
    if ('xg'.includes(type) && sizeBytes <= maxPaxBytes) {
      const records = sizeBytes === 0 ? [] : recordsIn((yield* take(padded(sizeBytes))).subarray(0, sizeBytes));
      if (records.some(([key, value]) => ofNameOrSize.test(key) && (value.length === 0 || value.includes(0))))
        throw new Error('it has a name or size that programs interpret differently');
      if (type === 'x') pax = records;
      else if (records.some(([key]) => ofOneMember.test(key)))
        throw new Error('its global header sets a name or size for all files');
      continue;
    }
    if ('KL'.includes(type)) {
      yield* pass(padded(sizeBytes));
      continue;
    }
    members += 1;
    const ofPax = new Map(pax);
    const sparse = type === 'S' ? yield* oldSparse(header) : sparseInPax(pax);
    const name = (sparse && ofPax.get('GNU.sparse.name')) ?? ofPax.get('path');
    const storedBytes = Number.parseInt(ofPax.get('size')?.toString('latin1') || `${sizeBytes}`, 10);
    if (hasNoContent.test(type) && storedBytes !== 0)
      throw new Error('it has a size that programs interpret differently');
    extras.set(members, { storedBytes, name, linkName: ofPax.get('linkpath'), sparse });
    pax = [];
    if (type !== '5') yield* pass(padded(storedBytes));
  }
}

function* take(bytes: number, isDropped = false): Generator<Step, Buffer, Buffer | undefined> {
  return (yield { bytes, isTaken: true, isDropped }) ?? Buffer.alloc(0);
}

function* pass(bytes: number): Generator<Step, void, Buffer | undefined> {
  if (bytes > 0) yield { bytes };
}

/** Reads the blocks with the map that follow the header of a sparse file. */
function* oldSparse(header: Buffer): Generator<Step, Sparse, Buffer | undefined> {
  const blocks: [Buffer, ...Buffer[]] = [header];
  for (let block = header; hasMoreOfMap(block, block === header); ) {
    if (blocks.length > maxMapBlocks) throw new Error('it has a sparse file in too many pieces');
    block = yield* take(blockBytes, true);
    blocks.push(block);
  }
  return sparseInHeader(blocks);
}

/** @see pax(1): each record is its own length in bytes, a space, the key, `=`, the value, a line end */
function recordsIn(header: Buffer): PaxRecords {
  const records: [string, Buffer][] = [];
  for (let at = 0; at < header.length; ) {
    const space = header.indexOf(' ', at);
    const length = space < 0 ? 0 : Number.parseInt(header.toString('latin1', at, space), 10);
    const equals = header.indexOf('=', space);
    if (!(length > 0) || equals < 0 || equals >= at + length) break;
    records.push([header.toString('latin1', space + 1, equals), header.subarray(equals + 1, at + length - 1)]);
    at += length;
  }
  return records;
}

function padded(sizeBytes: number): number {
  return sizeBytes + ((blockBytes - (sizeBytes % blockBytes)) % blockBytes);
}

function isZero(block: Buffer): boolean {
  return block[0] === 0 && block.every((byte) => byte === 0);
}
