import { type HierarchyRectangularNode, hierarchy, treemap, treemapSquarify } from 'd3-hierarchy';
import { html } from 'hono/html';
import { printable } from '../printable.ts';
import { sizeText } from '../text.ts';
import { type PackageBytes, packageWith } from './modules.ts';

/** The size of the drawing, in its own units. */
const [width, height] = [960, 420];

/** Smaller tiles cannot be pointed at. They get an invisible area over larger neighbours. */
const minPointed = 6;

/** The maximum number of tiles. The smallest packages share one tile. */
const maxTiles = 250;

/** Draws a treemap: the area of a package is proportional to its bytes, and the saved part is hatched. */
export function treemapSvg(packages: readonly PackageBytes[], hatched: string) {
  const [shown, rest] = [packages.slice(0, maxTiles), packages.slice(maxTiles)];
  const ofRest = rest.flatMap(({ modules }) => modules);
  const tiles = rest.length === 0 ? shown : [...shown, packageWith(`${rest.length} more packages`, ofRest)];
  const root = hierarchy<{ children?: readonly PackageBytes[]; sizeBytes?: number }>({ children: tiles }).sum(
    ({ sizeBytes = 0 }) => sizeBytes,
  );
  const laid = treemap<object>().tile(treemapSquarify).size([width, height]).paddingInner(2).round(true)(root);
  const total = packages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="map-title map-text">
<title id="map-title">Packages by bytes</title>
<desc id="map-text">${packages.length} packages, ${sizeText(total)}; the table below has the same figures.</desc>
<defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6"/></pattern></defs>
${(laid.leaves() as unknown as Tile[]).map((tile) => tileSvg(tile, hatched))}
</svg>`;
}

type Tile = HierarchyRectangularNode<PackageBytes>;

function tileSvg({ x0, x1, y0, y1, data }: Tile, hatched: string) {
  const { name, sizeBytes, savedBytes } = data;
  const [w, h] = [x1 - x0, y1 - y0];
  const hatchedHeight = sizeBytes === 0 ? 0 : Math.round((h * savedBytes) / sizeBytes);
  const label = name.slice(name.lastIndexOf('/') + 1) || name;
  const isLabelled = w > 8 * label.length + 8 && h > 20;
  return html`<g><title>${printable(name)}: ${sizeText(sizeBytes)}, ${hatched} ${sizeText(savedBytes)}</title><rect class="tile" x="${x0}" y="${y0}" width="${w}" height="${h}"/>${
    w < minPointed || h < minPointed
      ? html`<rect class="small" x="${x0}" y="${y0}" width="${Math.max(w, minPointed)}" height="${Math.max(h, minPointed)}"/>`
      : ''
  }${
    hatchedHeight > 0
      ? html`<rect class="hatched" x="${x0}" y="${y1 - hatchedHeight}" width="${w}" height="${hatchedHeight}"/>`
      : ''
  }${isLabelled ? html`<text x="${x0 + 5}" y="${y0 + 15}">${printable(label)}</text>` : ''}</g>
`;
}
