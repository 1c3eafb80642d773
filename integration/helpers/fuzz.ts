import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMarshalTree } from '../../src/inspect/tree.ts';
import { codeFactsOf } from '../../src/marshal/code-facts.ts';
import { encodeAnew } from '../../src/marshal/normal-form.ts';
import { normalizePyc } from '../../src/marshal/normalize-pyc.ts';
import { marshalType } from '../../src/marshal/types.ts';
import { type CodeLayout, codeLayoutOf, releaseOf } from '../../src/pyc/releases.ts';
import { everythingIn } from '../../test/helpers/buildroot.ts';
import { meaningOf } from '../../test/helpers/marshal.ts';
import { pyclink } from '../../test/helpers/pyclink.ts';
import { allPythons } from '../../test/helpers/pythons.ts';
import { stage } from './compileall.ts';
import { type Random, randomFrom } from './random.ts';

export interface Fuzzed {
  readonly tried: number;
  /** How many were whole, and came out otherwise. */
  readonly changed: number;
  readonly refused: ReadonlyMap<string, number>;
  readonly slowestMs: number;
  /** Of an output to its input. */
  readonly largestRatio: number;
  /** Promises that were broken, with what is needed to see it again. */
  readonly findings: readonly string[];
}

/** Sources whose pycs have every kind of object in them. */
const slice = ['bisect.py', 'this.py', 'opcode.py', 'keyword.py', 'stat.py', 'colorsys.py', 'types.py', 'json'];

/** Of small pycs a damage reaches more. */
const maxSizeBytes = 8000;

/** How much CPU time any pyc of this size may take. */
const limitMs = 2000;

/** Normalizes mutated pycs of every interpreter here. The same seed gives the same mutations. */
export async function fuzz(count: number, seed: number): Promise<Fuzzed> {
  const pycs = await realPycs();
  const random = randomFrom(seed);
  const refused = new Map<string, number>();
  const findings: string[] = [];
  let [changed, slowestMs, largestRatio] = [0, 0, 0];
  for (let tried = 0; tried < count; tried++) {
    const mutated = mutate(pycs[random(pycs.length)] as Buffer, random);
    const original = Buffer.from(mutated);
    const report = (what: string) => findings.push(`${what}: number ${tried}: ${original.toString('base64')}`);
    const started = process.cpuUsage();
    try {
      const normal = normalizePyc(mutated);
      slowestMs = Math.max(slowestMs, cpuMsSince(started));
      if (!mutated.equals(original)) report('writes to its input');
      if ('unreadable' in normal) {
        const reason = normal.unreadable.replace(/0x[0-9a-f]+|\d+/, '…');
        refused.set(reason, (refused.get(reason) ?? 0) + 1);
        continue;
      }
      largestRatio = Math.max(largestRatio, normal.length / mutated.length);
      if (!anew(mutated).equals(normal)) report('is in normal form, but written otherwise');
      if (isNormal(mutated) === (normal !== mutated)) report('is in normal form, or not, by another reader');
      if (isNormal(normal) === false) report('is not in normal form then, by another reader');
      if (normal === mutated) continue;
      changed += 1;
      if (normalizePyc(normal) !== normal) report('changes when it is normalized again');
      if (changed % 16 === 0 && meaning(mutated) !== meaning(normal)) report('means something else');
    } catch (error) {
      report(`throws ${error}`);
    }
    if (cpuMsSince(started) > limitMs) report('takes too long');
  }
  return { tried: count, changed, refused, slowestMs, largestRatio, findings };
}

/** The normal form, written also where the bytes are in it. */
function anew(pyc: Buffer): Buffer {
  const magicNumber = pyc.readUInt16LE(0);
  const layout = codeLayoutOf(magicNumber) as CodeLayout;
  return encodeAnew(pyc, releaseOf(magicNumber).headerSizeBytes, layout) as Buffer;
}

/** What audit says; undefined of what no interpreter would load. */
function isNormal(pyc: Buffer): boolean | undefined {
  const facts = codeFactsOf(pyc, codeLayoutOf(pyc.readUInt16LE(0)) as CodeLayout);
  return 'damage' in facts ? undefined : facts.isNormal;
}

function cpuMsSince(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1000;
}

function meaning(pyc: Buffer): string {
  const magicNumber = pyc.readUInt16LE(0);
  const layout = codeLayoutOf(magicNumber) as CodeLayout;
  const tree = readMarshalTree(pyc, releaseOf(magicNumber).headerSizeBytes, layout);
  return 'unreadable' in tree ? tree.unreadable : meaningOf(pyc, tree, layout);
}

/** Small pycs of every interpreter here. */
export async function realPycs(): Promise<Buffer[]> {
  const work = mkdtempSync(join(tmpdir(), 'pyclink-fuzz-'));
  try {
    const pycs: Buffer[] = [];
    for (const python of allPythons) {
      const buildroot = join(work, python.version);
      const library = `/usr/lib/python${python.minor}`;
      stage(python, join(buildroot, library), slice);
      const args = ['build', '--buildroot', buildroot, '--python', python.executable, '--no-normalize', '-q'];
      const ran = await pyclink([...args, '-o', '0', library]);
      if (ran.status !== 0) throw new Error(ran.stderr);
      for (const path of everythingIn(buildroot)) {
        if (!path.endsWith('.pyc')) continue;
        const pyc = readFileSync(join(buildroot, path));
        if (pyc.length < maxSizeBytes) pycs.push(pyc);
      }
    }
    return pycs;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const types = Object.values(marshalType);
const sizes = [0, 1, 2, 0x7f, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** One to four damages: to bits, bytes, types, numbers and lengths, or pieces moved, doubled and cut. */
export function mutate(pyc: Buffer, random: Random): Buffer {
  let bytes = Buffer.from(pyc);
  for (let left = 1 + random(4); left > 0 && bytes.length > 8; left--) {
    const at = random(20) === 0 ? random(16) : random(bytes.length);
    const piece = () => bytes.subarray(at, at + random(64));
    const to = random(bytes.length);
    switch (random(9)) {
      case 0:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
        break;
      case 1:
        bytes[at] = random(256);
        break;
      case 2:
        bytes[at] = (types[random(types.length)] as number) | (random(2) << 7);
        break;
      case 3:
        if (at + 4 <= bytes.length) bytes.writeUInt32LE(sizes[random(sizes.length)] as number, at);
        break;
      case 4:
        bytes = bytes.subarray(0, at);
        break;
      case 5:
        bytes = Buffer.concat([bytes.subarray(0, to), piece(), bytes.subarray(to)]);
        break;
      case 6:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random(64))]);
        break;
      case 7:
        changeReference(bytes, at, random);
        break;
      default:
        changeType(bytes, at, random);
    }
  }
  return bytes;
}

/** Lets the next reference lead elsewhere. */
function changeReference(bytes: Buffer, from: number, random: Random): void {
  const at = bytes.indexOf(marshalType.reference, from);
  if (at >= 0 && at + 5 <= bytes.length) bytes.writeUInt32LE(random(200), at + 1);
}

/** Makes another container of the next tuple: the value stays whole. */
function changeType(bytes: Buffer, from: number, random: Random): void {
  const found = [marshalType.tuple, marshalType.frozenset, marshalType.smallTuple].map((type) =>
    bytes.indexOf(type, from),
  );
  const at = found.filter((place) => place >= 0)[0];
  if (at === undefined) return;
  if (bytes[at] === marshalType.smallTuple) bytes[at] = marshalType.smallTuple | 0x80;
  else bytes[at] = [marshalType.list, marshalType.frozenset, marshalType.set, marshalType.tuple][random(4)] as number;
}
