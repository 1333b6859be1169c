// The zoo's list: search and filters, in the page alone. gradio gives us: element, server.
const control = name => element.querySelector(`[data-filter="${name}"]`);
const wanted = name => control(name)?.value || '';

function filter() {
  const words = wanted('words').toLowerCase().split(/\s+/).filter(Boolean);
  const free = control('commercial')?.checked;
  const rows = [...element.querySelectorAll('tbody tr')];
  const one = (row, name) => !wanted(name) || row.dataset[name].split(' ').includes(wanted(name));
  for (const row of rows) {
    row.hidden = !(words.every(word => row.dataset.words.includes(word)) && (!free || row.dataset.commercial === 'yes')
      && one(row, 'family') && one(row, 'task') && one(row, 'licence'));
  }
  const shown = rows.filter(row => !row.hidden).length;
  element.querySelector('table').hidden = !shown;
  element.querySelector('.none').hidden = shown > 0;
  element.querySelector('.count').textContent = shown === rows.length ? '' : `${shown} of ${rows.length} methods`;
}

element.addEventListener('input', filter);
element.addEventListener('submit', event => event.preventDefault());
element.addEventListener('click', event => {
  if (event.target.closest('button')?.dataset.act !== 'clear') return;
  element.querySelector('.filters').reset();
  filter();
  control('words').focus();
});

// Whether the weights are here may have changed since the page was made. Without an answer the list stays as it is.
async function refresh() {
  const states = await server.where({}).catch(() => null);
  for (const [method, html] of Object.entries(states || {})) {
    const place = element.querySelector(`tr[data-method="${method}"] .where > div`);
    if (place) place.innerHTML = html;
  }
}
element.closest('.zoo-page').addEventListener('zoo-shown', refresh);
refresh();
