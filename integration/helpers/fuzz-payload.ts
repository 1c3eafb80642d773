import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { execa } from 'execa';
import { bundle } from '../../test/helpers/pyclink.ts';
import { systemPython } from '../../test/helpers/pythons.ts';
import { damaged, type Random, randomFrom } from './random.ts';

export interface FuzzedPayloads {
  readonly tried: number;
  /** How many were read, and how many refused with an error that says why. */
  readonly read: number;
  readonly refused: number;
  readonly slowestMs: number;
  readonly largestMiB: number;
  /** Crashes, and what took too long or too much memory. */
  readonly findings: readonly string[];
}

/** The most that reading an archive may take, of the processor. */
const maxCpuMs = 10_000;
const maxMemoryMiB = 400;
/** Who has not ended by then hangs, however busy the machine is. */
const maxMs = 120_000;

/**
 * Has audit read archives that are garbled, nested, sparse or huge. What it does not read it must refuse, each within ten
 * seconds of the processor and 400 MiB.
 */
export async function fuzzPayload(count: number, seed: number): Promise<FuzzedPayloads> {
  const random = randomFrom(seed);
  const directory = mkdtempSync(join(tmpdir(), 'pyclink-fuzz-'));
  try {
    const seeds = await seedsIn(join(directory, 'seeds'));
    const outcomes: Outcome[] = [];
    let tried = 0;
    const work = async (): Promise<void> => {
      while (tried < count) {
        tried += 1;
        const { name, bytes } = archive(seeds, random);
        const file = join(directory, `${tried}-${name}`);
        writeFileSync(file, bytes);
        outcomes.push(await audited(file));
        rmSync(file);
      }
    };
    await Promise.all(Array.from({ length: atATime }, work));
    const of = (kind: Outcome['kind']) => outcomes.filter((outcome) => outcome.kind === kind);
    return {
      tried,
      read: of('read').length,
      refused: of('refused').length,
      slowestMs: Math.max(...outcomes.map(({ cpuMs }) => cpuMs)),
      largestMiB: Math.max(...outcomes.map(({ maxMiB }) => maxMiB)),
      findings: of('fault').map(({ file, what }) => `${file}: ${what}`),
    };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

interface Outcome {
  readonly kind: 'read' | 'refused' | 'fault';
  readonly file: string;
  readonly what: string;
  readonly cpuMs: number;
  readonly maxMiB: number;
}

/** How many are read at a time. */
const atATime = 2;
/** By the exit status. */
const kinds: ReadonlyMap<number | undefined, Outcome['kind']> = new Map([
  [0, 'read'],
  [1, 'read'],
  [2, 'refused'],
  [3, 'refused'],
]);

/** Runs audit, which writes what it took to a file. What ends without a word is a fault, whatever its status is. */
async function audited(file: string): Promise<Outcome> {
  const report = `${file}.usage`;
  const words = ['--require', join(import.meta.dirname, 'usage.cjs'), bundle, 'audit', '--json', file];
  const options = { env: { FUZZ_USAGE: report }, timeout: maxMs, reject: false, killSignal: 'SIGKILL' } as const;
  const { exitCode, stdout, stderr, timedOut } = await execa(process.execPath, words, options);
  const [maxMiB = 0, cpuMs = 0] = timedOut ? [0, maxMs] : readFileSync(report, 'utf8').split(' ').map(Number);
  rmSync(report, { force: true });
  const isTooMuch = cpuMs > maxCpuMs || maxMiB > maxMemoryMiB;
  const kind = isTooMuch || (stdout === '' && stderr === '') ? 'fault' : kinds.get(exitCode);
  const what = `status ${exitCode}, ${maxMiB} MiB, ${cpuMs} ms, ${stderr.split('\n')[0] || 'no message'}`;
  return { kind: kind ?? 'fault', file: basename(file), what, cpuMs, maxMiB };
}

type Archive = { readonly name: string; readonly bytes: Buffer };

async function seedsIn(directory: string): Promise<Archive[]> {
  mkdirSync(directory);
  await execa(systemPython.executable, [join(import.meta.dirname, 'payload-seeds.py'), directory]);
  const files = readdirSync(directory, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name !== 'shop.spec',
  );
  return files.map(({ name }) => ({ name, bytes: readFileSync(join(directory, name)) }));
}

function archive(seeds: readonly Archive[], random: Random): Archive {
  const { name, bytes } = seeds[random(seeds.length)] as Archive;
  const ways: readonly (() => Archive)[] = [
    () => ({ name: `nested-${name}`, bytes: nested(random(4) === 0 ? damaged(bytes, random) : bytes, random) }),
    () => ({ name: 'sparse.tar', bytes: sparse(random) }),
    () => ({ name: 'huge.tar.gz', bytes: huge(random) }),
  ];
  const way = ways[random(12)];
  return way === undefined ? { name: `garbled-${name}`, bytes: damaged(bytes, random) } : way();
}

/** An archive in archives, as packages of OpenWrt and Gentoo and images have them, up to twenty deep. */
function nested(bytes: Buffer, random: Random): Buffer {
  let content: Buffer = bytes;
  for (let left = 1 + random(20); left > 0; left--) {
    const inTar = (...names: readonly string[]) =>
      Buffer.concat([
        ...names.slice(0, -1).map((name) => member(name, Buffer.from('2.0\n'))),
        member(names.at(-1) ?? '', content),
        Buffer.alloc(1024),
      ]);
    const ways: readonly (() => Buffer)[] = [
      () => gzipSync(content, { level: 1 }),
      () => inTar('debian-binary', 'data.tar.gz'),
      () => inTar('shop/gpkg-1', 'shop/image.tar'),
      () => inTar('oci-layout', 'index.json'),
      () => inTar('usr/lib/python3/a.pyc'),
    ];
    content = ways[random(ways.length)]?.() ?? content;
  }
  return content;
}

/** A tar with sparse files whose maps make no sense, or much of it. */
function sparse(random: Random): Buffer {
  const number = () => 2 ** random(60) + random(1000);
  const content = Buffer.alloc(random(4096), '9\n');
  const version = ['0.0', '0.1', '1.0', 'old'][random(4)];
  const size = random(3) === 0 ? number() : 2 ** random(27);
  const map = Array.from({ length: random(40) }, () => (random(2) === 0 ? number() : random(5000)));
  const records = {
    '0.0': [
      ['GNU.sparse.size', size],
      ...map.map((value, i) => [`GNU.sparse.${i % 2 ? 'numbytes' : 'offset'}`, value]),
    ],
    '0.1': [
      ['GNU.sparse.size', size],
      ['GNU.sparse.map', map.join(',')],
    ],
    '1.0': [
      ['GNU.sparse.major', 1],
      ['GNU.sparse.minor', 0],
      ['GNU.sparse.realsize', size],
    ],
    old: [],
  }[version ?? 'old'] as readonly (readonly [string, string | number])[];
  const pax = Buffer.from(records.map(([key, value]) => paxRecord(key, `${value}`)).join(''));
  const header = member('a.pyc', content, version === 'old' ? 'S' : '0', (block) => {
    for (let i = 0; i < Math.min(8, map.length); i++) block.write(octal(map[i] ?? 0), 386 + 12 * i, 'latin1');
    if (version === 'old') block.write(random(2) === 0 ? '\0' : '\x01', 482, 'latin1');
    if (version === 'old') block.write(octal(size), 483, 'latin1');
  });
  const more = version === 'old' ? damaged(Buffer.alloc(512 * random(9)), random) : Buffer.alloc(0);
  return Buffer.concat([member('pax', pax, 'x'), header, more, Buffer.alloc(1024)]);
}

/** Small, until it is unpacked: one large file, many small ones, or one name that does not end. */
function huge(random: Random): Buffer {
  const ways = [
    () => [member('a.pyc', Buffer.alloc(0), '0', (block) => block.write(octal(2 ** (24 + random(8))), 124, 'latin1'))],
    () => Array.from({ length: 20_000 + random(80_000) }, (_, i) => member(`a/__pycache__/${i}.cpython-311.pyc`)),
    () => [member('pax', Buffer.from(paxRecord('path', 'a/'.repeat(random(2_000_000)))), 'x'), member('a.py')],
    () => Array.from({ length: random(2000) }, () => member('a.pyc', Buffer.alloc(50_000))),
  ];
  const tar = (ways[random(ways.length)] as () => Buffer[])();
  return gzipSync(Buffer.concat([...tar, Buffer.alloc(random(2) === 0 ? 2 ** 20 : 2 ** 27)]), { level: 1 });
}

/** A member of a tar. @param change of its header */
function member(
  name: string,
  content: Buffer = Buffer.alloc(0),
  type = '0',
  change?: (header: Buffer) => void,
): Buffer {
  const header = Buffer.alloc(512);
  header.write(name.slice(0, 100), 0, 'latin1');
  header.write('0000644\0', 100, 'latin1');
  header.write(octal(content.length), 124, 'latin1');
  header.write(octal(1_600_000_000), 136, 'latin1');
  header.write(type, 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  change?.(header);
  header.fill(' ', 148, 156);
  header.write(
    `${header
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
    'latin1',
  );
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

/** What does not fit is cut. */
function octal(number: number): string {
  return `${number.toString(8).padStart(11, '0').slice(-11)}\0`;
}

/** A record of a pax header, which says how long it is. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const length = rest.length + `${rest.length}`.length;
  return `${rest.length + `${length}`.length}${rest}`;
}
