import { Budget, type ReadLimits } from './budget.ts';
import type { Contents, Search } from './entry.ts';
import { damaged, type ImageTarget, layersOf } from './image-layers.ts';
import { type LayerPlace, readLayer } from './layer.ts';
import { overlay } from './overlay.ts';
import { searchForUnread, type TarContents } from './tar.ts';

/**
 * Searches a container image: reads its index, manifest and layers, and applies the layers in order. Checks digests.
 * Unpacks nothing to disk.
 * @throws PyclinkError `usage` if several images fit, `tool-failed` if the image is damaged
 */
export async function searchImage(target: ImageTarget, search: Search, limits: ReadLimits): Promise<Contents> {
  const places = layersOf(target);
  // A whiteout removes files of earlier layers.
  const layered: Search = { ...search, names: new RegExp(`${search.names.source}|^\\.wh\\.`) };
  const passes = await readLayers(target, places, layered, limits);
  const layers = places.map(({ label }, i) => ({ label, ...(passes[i] as TarContents) }));
  const { entries, linked, removedBy } = overlay(layers);
  const unread = new Map(passes.flatMap((pass) => [...pass.unread]));
  for (const entry of linked) {
    const take = search.visit(entry);
    if (take !== undefined) unread.set(entry.file, take);
  }
  if (unread.size > 0) await readLayers(target, places, searchForUnread(unread), limits);
  return { entries, removedBy, unreadable: [] };
}

/** Reads the layers, each once. */
async function readLayers(
  target: ImageTarget,
  places: readonly LayerPlace[],
  search: Search,
  limits: ReadLimits,
): Promise<TarContents[]> {
  const budget = new Budget(target.path, limits);
  const passes = new Map<string, TarContents>();
  for await (const { names, content } of target.files.each(new Set(places.map(({ name }) => name)))) {
    const place = places.find(({ name }) => names.includes(name));
    if (place === undefined) continue;
    const pass = await readLayer(place, content, target.path, search, budget);
    for (const name of names) passes.set(name, pass);
  }
  return places.map(({ name, label }) => {
    const pass = passes.get(name);
    if (pass === undefined) throw damaged(target, `${label} is missing`);
    return pass;
  });
}
