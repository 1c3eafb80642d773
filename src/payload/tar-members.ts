import { Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { pathText } from '../printable.ts';
import type { Budget } from './budget.ts';
import type { Sparse } from './sparse.ts';
import { type MemberExtras, withExtras } from './tar-extras.ts';

/** A member of a tar. */
export interface Member {
  readonly header: Header;
  readonly name: string;
  /** The target of a link or symlink. */
  readonly linkName: string;
  /** The size with the holes of a sparse file. */
  readonly sizeBytes: number;
  readonly sparse: Sparse | undefined;
  /** The stored bytes. */
  readonly content: AsyncIterable<Buffer>;
}

/** The members of a tar, one at a time. Skips unread content. @throws as readTar */
export async function* membersOf(stream: Readable, budget: Budget): AsyncGenerator<Member> {
  const tar = extract(tarOptions);
  const extras = new Map<number, MemberExtras>();
  const content = Readable.from(withExtras(budget.counted(stream), extras));
  content.once('error', (error) => tar.destroy(error));
  let number = 0;
  try {
    for await (const member of content.pipe(tar) as AsyncIterable<StreamedMember>) {
      budget.countEntry();
      number += 1;
      yield memberOf(member, extras.get(number));
      extras.delete(number);
      member.resume();
    }
  } finally {
    stream.destroy();
  }
}

/** Latin-1 preserves names that are not UTF-8. Unknown formats are allowed, because a tar may be older than POSIX. */
const tarOptions: object = { filenameEncoding: 'latin1', allowUnknownFormat: true };

/** A member as returned by tar-stream. */
interface StreamedMember extends AsyncIterable<Buffer> {
  readonly header: Header;
  resume(): void;
}

function memberOf(content: StreamedMember, extras: MemberExtras | undefined): Member {
  const { header } = content;
  if (extras?.storedBytes !== header.size) throw new Error('it has a size that programs interpret differently');
  const { linkName, sparse } = extras;
  const name = pathText(extras.name ?? Buffer.from(header.name, 'latin1'));
  // Before POSIX, directories had no type of their own.
  const isDirectory = header.type === 'file' && name.endsWith('/');
  if (isDirectory && header.size !== 0) throw new Error('it has a directory that programs interpret differently');
  return {
    header: isDirectory ? { ...header, type: 'directory' } : header,
    name,
    linkName: pathText(linkName ?? Buffer.from(header.linkname ?? '', 'latin1')),
    sizeBytes: sparse?.sizeBytes ?? header.size ?? 0,
    sparse,
    content: kept(content),
  };
}

/** The content of a stream. Keeps it open if the reader stops early: tar-stream would silently end the whole tar. */
async function* kept(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = stream[Symbol.asyncIterator]();
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
}
