/** Sorts tables, filters findings, shows details of tiles, and opens all sections for printing. */
export const script = `
for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const falls = head.getAttribute('aria-sort') === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', falls ? 'descending' : 'ascending');
      const key = ({ cells }) => cells[column].dataset.value ?? cells[column].textContent;
      const isNumber = head.classList.contains('number');
      const compare = isNumber ? (a, b) => a - b : (a, b) => (a < b ? -1 : a > b ? 1 : 0);
      const rows = [...table.tBodies[0].rows].map((row) => [key(row), row]);
      rows.sort(([a], [b]) => (falls ? -compare(a, b) : compare(a, b)));
      table.tBodies[0].append(...rows.map(([, row]) => row));
    });
  });
}
const findings = document.getElementById('findings');
if (findings) {
  const filter = document.createElement('input');
  filter.type = 'search';
  filter.placeholder = 'filter by kind, path or detail';
  filter.setAttribute('aria-label', filter.placeholder);
  findings.before(filter);
  const groups = [...findings.querySelectorAll('details')].map((details) => ({ details, wasOpen: details.open }));
  filter.addEventListener('input', () => {
    const wanted = filter.value.toLowerCase();
    for (const { details, wasOpen } of groups) {
      const section = details.parentElement;
      const ofKind = section.id.slice('kind-'.length).includes(wanted);
      let shown = 0;
      for (const row of details.querySelectorAll('tbody tr')) {
        row.hidden = !ofKind && !row.textContent.toLowerCase().includes(wanted);
        if (!row.hidden) shown += 1;
      }
      details.hidden = shown === 0;
      details.open = wanted === '' ? wasOpen : shown > 0;
    }
    for (const section of findings.children) section.hidden = !section.querySelector('details:not([hidden])');
  });
}
for (const figure of document.querySelectorAll('figure')) {
  const pointed = figure.querySelector('.pointed');
  figure.addEventListener('pointerover', ({ target }) => {
    pointed.textContent = target.closest('g')?.querySelector('title').textContent ?? '\\u00a0';
  });
}
let opened = [];
addEventListener('beforeprint', () => {
  opened = [...document.querySelectorAll('details:not([open])')];
  for (const details of opened) details.open = true;
});
addEventListener('afterprint', () => {
  for (const details of opened) details.open = false;
});
`;
