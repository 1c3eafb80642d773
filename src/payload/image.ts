import type { PayloadPath } from '../files/path.ts';
import { Budget, type ReadLimits } from './budget.ts';
import { isWanted, type PayloadEntry, type Wanted } from './entry.ts';
import { damaged, type ImageTarget, layersOf } from './image-layers.ts';
import { type LayerPlace, readLayer } from './layer.ts';
import { type Layer, overlay } from './overlay.ts';
import { contentless, type TarEntry } from './tar.ts';

/** What an image holds, and what its layers removed. */
export interface ImagePayload {
  readonly entries: readonly PayloadEntry[];
  /** Which layer removed a path. */
  readonly removedBy: ReadonlyMap<PayloadPath, string>;
}

/**
 * Reads a container image: its index, manifest and layers, whose files it applies in order. Digests are checked. Nothing
 * is unpacked to disk.
 * @throws PyclinkError `usage` if it is not clear which image is meant, `tool-failed` if the image is damaged
 */
export async function readImage(target: ImageTarget, wanted: Wanted, limits: ReadLimits): Promise<ImagePayload> {
  const places = layersOf(target);
  let layers = await readLayers(target, places, wanted, limits);
  const contents = contentlessIn(layers, wanted);
  if (contents.size > 0) layers = await readLayers(target, places, { ...wanted, contents }, limits);
  const { files, removedBy } = overlay(layers);
  const entries = Array.from(files, ([path, { entry, inode, replacedBy }]): PayloadEntry => {
    const { linkTo: _, ...facts } = entry;
    return { ...facts, path, container: target.path, inode, isGhost: false, ...(replacedBy && { replacedBy }) };
  });
  return { entries: entries.filter(({ path }) => isWanted(path, wanted)), removedBy };
}

/** Reads the layers, each once, and keeps of them what matters for the wanted paths. */
async function readLayers(
  target: ImageTarget,
  places: readonly LayerPlace[],
  wanted: Wanted,
  limits: ReadLimits,
): Promise<Layer[]> {
  const budget = new Budget(target.path, limits);
  const keep = keeper(wanted);
  const read = new Map<string, ReadonlyMap<PayloadPath, TarEntry>>();
  await target.files.each(new Set(places.map(({ name }) => name)), async (names, content) => {
    const place = places.find(({ name }) => names.includes(name));
    if (place === undefined) return;
    const entries = keep(await readLayer(place, content, wanted, budget, target.path));
    for (const name of names) read.set(name, entries);
  });
  return places.map(({ name, label }) => {
    const entries = read.get(name);
    if (entries === undefined) throw damaged(target, `${label} is missing`);
    return { label, entries };
  });
}

/** Keeps of a layer the wanted paths, what hides or removes them, and the files that they are links to. */
function keeper(wanted: Wanted) {
  if (wanted.inDepth === true) return (entries: ReadonlyMap<PayloadPath, TarEntry>) => entries;
  const paths = new Set([...wanted.pycs, ...wanted.sources]);
  const around = new Set<string>();
  for (const path of paths) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) around.add(path.slice(0, end));
  }
  return (entries: ReadonlyMap<PayloadPath, TarEntry>): ReadonlyMap<PayloadPath, TarEntry> => {
    const targets = new Set<PayloadPath>();
    for (const { path, linkTo } of entries.values()) if (linkTo !== undefined && paths.has(path)) targets.add(linkTo);
    const isKept = (path: PayloadPath) =>
      paths.has(path) ||
      targets.has(path) ||
      around.has(path) ||
      wanted.contents?.has(path) === true ||
      path.includes('/.wh.');
    return new Map([...entries].filter(([path]) => isKept(path)));
  };
}

/** The files that wanted names of any layer are links to, and whose contents were not read. */
function contentlessIn(layers: readonly Layer[], wanted: Wanted): Set<PayloadPath> {
  return new Set(layers.flatMap(({ entries }) => [...contentless(entries, wanted)]));
}
