import fc from 'fast-check';
import { expect, it } from 'vitest';
import { treemapSvg } from '../../src/page/treemap.ts';

const packages = fc
  .array(fc.tuple(fc.integer({ min: 1000, max: 100_000 }), fc.double({ min: 0, max: 1, noNaN: true })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((sizes) =>
    sizes
      .map(([sizeBytes, part], i) => ({
        name: `/p${i}`,
        sizeBytes,
        savedBytes: Math.floor(sizeBytes * part),
        modules: [],
      }))
      .sort((a, b) => b.sizeBytes - a.sizeBytes),
  );

const rects = (svg: string, kind: string) =>
  [...svg.matchAll(new RegExp(`class="${kind}" x="(\\d+)" y="(\\d+)" width="(\\d+)" height="(\\d+)"`, 'g'))].map(
    ([, ...numbers]) => numbers.map(Number) as [x: number, y: number, width: number, height: number],
  );

it('gives each package a tile, and the whole drawing to the tiles', () => {
  fc.assert(
    fc.property(packages, (given) => {
      const svg = String(treemapSvg(given, 'links save'));
      const tiles = rects(svg, 'tile');
      expect(tiles).toHaveLength(given.length);
      const area = tiles.reduce((sum, [, , width, height]) => sum + width * height, 0);
      expect(area).toBeGreaterThan(0.8 * 960 * 420);
      expect(area).toBeLessThanOrEqual(960 * 420);
    }),
  );
});

it('hatches the part of a tile that links save', () => {
  const svg = String(treemapSvg([{ name: '/p', sizeBytes: 100, savedBytes: 25, modules: [] }], 'links save'));
  expect(rects(svg, 'tile')).toEqual([[0, 0, 960, 420]]);
  expect(rects(svg, 'hatched')).toEqual([[0, 315, 960, 105]]);
});

it('gives a tiny tile an area to point at', () => {
  const sizes = [1_000_000, 1];
  const svg = String(
    treemapSvg(
      sizes.map((sizeBytes, i) => ({ name: `/p${i}`, sizeBytes, savedBytes: 0, modules: [] })),
      '',
    ),
  );
  const [small] = rects(svg, 'small');
  expect([small?.[2], small?.[3]].every((size = 0) => size >= 6)).toBe(true);
  expect(svg.indexOf('/p1')).toBeGreaterThan(svg.indexOf('/p0'));
});

it('draws the smallest of many packages as one', () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({
    name: `/p${i}`,
    sizeBytes: 2000 - i,
    savedBytes: 0,
    modules: [],
  }));
  const svg = String(treemapSvg(many, 'links save'));
  expect(rects(svg, 'tile')).toHaveLength(251);
  expect(svg).toContain('750 more packages');
});
