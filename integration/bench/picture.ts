import type { Row, Verdict } from './table.ts';

/** One bar: `python3 -OO`, and how many seconds it took. */
interface Bar {
  readonly name: string;
  readonly seconds: number;
}

const [width, labelWidth, barHeight, barGap, groupGap, top] = [800, 300, 18, 6, 22, 64] as const;

/**
 * Draws how long each of several images takes to start, with its size: an SVG that is readable on light and dark pages.
 * @param rows named `IMAGE, COMMAND`; those of an image follow each other
 * @param verdicts `MiB with IMAGE`
 */
export function startTimesPicture(rows: readonly Row[], verdicts: readonly Verdict[], caption: string): string {
  const images = new Map<string, Bar[]>();
  for (const { name, wallSeconds } of rows) {
    const [image = '', command = ''] = name.split(', ');
    images.set(image, [...(images.get(image) ?? []), { name: command, seconds: wallSeconds }]);
  }
  const longest = Math.max(...rows.map(({ wallSeconds }) => wallSeconds));
  const scale = (width - labelWidth - 110) / longest;
  let y = top;
  const drawn = Array.from(images, ([image, bars]) => {
    const mebibytes = verdicts.find(({ what }) => what === `MiB with ${image}`)?.value ?? Number.NaN;
    const own = bars.map(({ name, seconds }, i) => {
      const at = y + i * (barHeight + barGap);
      const length = Math.round(seconds * scale);
      return [
        `  <text class="muted" x="${labelWidth - 12}" y="${at + 14}" text-anchor="end" font-size="12">${name}</text>`,
        `  <rect class="${image.startsWith('pyclink') ? 'ours' : 'other'}" x="${labelWidth}" y="${at}" width="${length}" height="${barHeight}" rx="3"/>`,
        `  <text class="text" x="${labelWidth + length + 8}" y="${at + 14}">${seconds.toFixed(2)} s</text>`,
      ].join('\n');
    });
    const label = `  <text class="text" x="24" y="${y + 14}">${image}</text>\n  <text class="muted" x="24" y="${y + 36}" font-size="12">${mebibytes.toFixed(0)} MiB</text>`;
    y += bars.length * (barHeight + barGap) + groupGap;
    return [label, ...own].join('\n');
  });
  const height = y + 12;
  const described = rows.map(({ name, wallSeconds }) => `${name}: ${wallSeconds.toFixed(2)} s`).join('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14">
  <title id="title">${caption}. ${described}.</title>
  <style>
    .card { fill: #ffffff; stroke: #d0d7de }
    .text { fill: #1f2328 }
    .muted { fill: #59636e }
    .ours { fill: #0969da }
    .other { fill: #afb8c1 }
    @media (prefers-color-scheme: dark) {
      .card { fill: #0d1117; stroke: #3d444d }
      .text { fill: #f0f6fc }
      .muted { fill: #9198a1 }
      .ours { fill: #4493f8 }
      .other { fill: #3d444d }
    }
  </style>
  <rect class="card" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
  <text class="muted" x="24" y="36">${caption}</text>
${drawn.join('\n')}
</svg>
`;
}
