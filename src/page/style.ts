/** The style sheet: light or dark as in the reader's system, and for print. */
export const style = `
:root { color-scheme: light dark; --ink: #1c1c1c; --paper: #fff; --faint: #666; --line: #d0d0d0; --tile: #cfe0f5; --hatch: #1d4f91; --bad: #a4161a; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #161616; --faint: #a0a0a0; --line: #3a3a3a; --tile: #24405f; --hatch: #9cc3f0; --bad: #ff8a8a; }
}
body { margin: 0 auto; max-width: 75rem; padding: 1.5rem; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.3rem; overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin-top: 2rem; }
.headline { font-size: 1.15rem; }
.facts, .note { color: var(--faint); }
figure { margin: 0; }
svg { width: 100%; height: auto; display: block; }
svg .tile { fill: var(--tile); }
svg .hatched { fill: url(#hatch); }
svg .small { fill: transparent; }
svg line { stroke: var(--hatch); stroke-width: 2; }
svg text { fill: var(--ink); font: 12px system-ui, sans-serif; paint-order: stroke; stroke: var(--tile); stroke-width: 3px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
th.number, td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
h3.kind { font-size: 1rem; margin: 1.25rem 0 .25rem; color: var(--bad); }
input[type=search] { font: inherit; width: 100%; max-width: 30rem; padding: .25rem .5rem; }
.kinds a { color: inherit; }
th button { font: inherit; font-weight: bold; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
th[aria-sort=ascending] button::after { content: " \\25b2"; }
th[aria-sort=descending] button::after { content: " \\25bc"; }
summary { cursor: pointer; padding: .25rem 0; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--hatch); outline-offset: 2px; }
@media print {
  :root { --ink: #000; --paper: #fff; --faint: #444; --line: #999; --tile: #eee; --hatch: #000; --bad: #000; }
  body { max-width: none; padding: 0; font-size: 10px; }
  tr, svg { break-inside: avoid; }
  details::details-content { content-visibility: visible; display: block; }
}
`;
