import { nameOf, type PayloadPath, parentOf } from '../files/path.ts';
import type { PayloadEntry } from './entry.ts';
import type { TarContents } from './tar.ts';

/** A layer of an image, and what a pass over it gave. */
export interface Layer extends Pick<TarContents, 'entries' | 'links' | 'others'> {
  readonly label: string;
}

/** A file system that layers make. */
export interface Overlay {
  readonly entries: readonly PayloadEntry[];
  /** Names whose file is in an earlier layer. */
  readonly linked: readonly PayloadEntry[];
  /** Which layer removed a path that is no longer there. */
  readonly removedBy: ReadonlyMap<PayloadPath, string>;
}

const whiteout = '.wh.';
const opaque = '.wh..wh..opq';

/** A directory, or what else lies at its path. */
interface Node {
  entry?: PayloadEntry | undefined;
  /** A file that the search does not list. A link in a later layer may name it. */
  unlisted?: PayloadEntry | undefined;
  readonly children: Map<string, Node>;
}

/**
 * Applies layers in order. A file `.wh.NAME` removes NAME of earlier layers and all below it, `.wh..wh..opq` what earlier
 * layers have in its directory; anything but a directory removes what was below its path.
 * @see the OCI image specification, layer.md
 */
export function overlay(layers: readonly Layer[]): Overlay {
  const top: Node = { children: new Map() };
  const removedBy = new Map<PayloadPath, string>();
  const linked: PayloadEntry[] = [];
  for (const { label, entries, links, others } of layers) {
    const remove = (node: Node | undefined) => {
      for (const { path } of entriesBelow(node)) removedBy.set(path, label);
    };
    const empty = (node: Node | undefined) => {
      for (const child of node?.children.values() ?? []) remove(child);
      node?.children.clear();
    };
    const apply = (path: PayloadPath) => {
      const [directory, name] = [parentOf(path), nameOf(path)];
      if (name === opaque) empty(find(top, directory));
      else if (name.startsWith(whiteout)) {
        const parent = find(top, directory);
        const removed = name.slice(whiteout.length);
        remove(parent?.children.get(removed));
        parent?.children.delete(removed);
      } else empty(find(top, path));
    };
    // Whiteouts are about earlier layers, wherever in its tar they stand.
    for (const path of others.keys()) apply(path);
    for (const { path, type } of entries.values()) if (type !== 'directory') apply(path);
    const resolved = Array.from(links, ([path, target]): [PayloadPath, PayloadEntry | undefined] => {
      const node = find(top, target);
      return [path, node?.entry ?? node?.unlisted];
    });
    for (const [path, entry] of others) {
      if (!nameOf(path).startsWith(whiteout)) make(top, path).unlisted = entry;
    }
    for (const [path, entry] of entries) {
      if (nameOf(path).startsWith(whiteout)) continue;
      const node = make(top, path);
      const isReplaced = entry.type !== 'directory' && (node.entry !== undefined || removedBy.get(path) === label);
      node.entry = isReplaced ? { ...entry, replacedBy: label } : entry;
      removedBy.delete(path);
    }
    for (const [path, target] of resolved) {
      const node = find(top, path);
      if (target === undefined || node?.entry === undefined) continue;
      const { replacedBy } = node.entry;
      const entry = { ...target, path, ...(replacedBy === undefined ? {} : { replacedBy }) };
      node.entry = entry;
      linked.push(entry);
    }
  }
  return { entries: [...entriesBelow(top)], linked, removedBy };
}

function* entriesBelow(node: Node | undefined): Generator<PayloadEntry> {
  if (node?.entry !== undefined) yield node.entry;
  for (const child of node?.children.values() ?? []) yield* entriesBelow(child);
}

function find(top: Node, path: PayloadPath): Node | undefined {
  let node: Node | undefined = top;
  for (const name of namesIn(path)) node = node?.children.get(name);
  return node;
}

function make(top: Node, path: PayloadPath): Node {
  let node = top;
  for (const name of namesIn(path)) {
    let child = node.children.get(name);
    if (child === undefined) {
      child = { children: new Map() };
      node.children.set(name, child);
    }
    node = child;
  }
  return node;
}

function namesIn(path: PayloadPath): string[] {
  return path === '/' ? [] : path.slice(1).split('/');
}
