import type { PayloadPath } from '../buildroot/path.ts';
import { pycStem } from '../bytecode/pyc-name.ts';
import type { PycRecord } from './schema.ts';

/** What the records of many sources have in common. */
export interface RecordKind {
  /** What the paths end with, sorted. */
  readonly endings: readonly string[];
  readonly mode: PycRecord['mode'];
  readonly invalidationMode: PycRecord['invalidationMode'];
}

/** A record that makes its texts when it is asked for them: there may be very many. */
export class CompiledRecord implements PycRecord {
  readonly source: PayloadPath;
  readonly sizeBytes: number;
  /** The digest, a character a byte. */
  readonly #digest: string;
  readonly #kind: RecordKind;

  constructor(source: PayloadPath, sizeBytes: number, sha256: string, kind: RecordKind) {
    this.source = source;
    this.sizeBytes = sizeBytes;
    this.#digest = Buffer.from(sha256, 'hex').toString('latin1');
    this.#kind = kind;
  }

  get paths(): PayloadPath[] {
    const stem = pycStem(this.source);
    return this.#kind.endings.map((ending) => `${stem}${ending}` as PayloadPath);
  }

  get sha256(): string {
    return Buffer.from(this.#digest, 'latin1').toString('hex');
  }

  get mode(): PycRecord['mode'] {
    return this.#kind.mode;
  }

  get invalidationMode(): PycRecord['invalidationMode'] {
    return this.#kind.invalidationMode;
  }

  toJSON(): PycRecord {
    const { source, paths, sizeBytes, sha256, mode, invalidationMode } = this;
    return { source, paths, sizeBytes, sha256, mode, invalidationMode };
  }
}
