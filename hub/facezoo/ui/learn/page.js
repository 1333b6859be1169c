// Learn: the address says which page is open; pages are fetched once. gradio gives us: element, server.
const SILENT = 20000; // ms after which we say that the hub does not answer
const contents = element.querySelector('.learn-contents');
const page = element.querySelector('.learn-page');
const fetched = new Map(); // id -> html
let open = '';

function route() {
  if (!element.isConnected) return;
  const [tab, id] = location.hash.slice(1).split('/');
  if (tab !== 'learn') return;
  if (id && /^[a-z-]+$/.test(id)) show(id);
  else back();
}

async function show(id) {
  if (open === id) return;
  open = id;
  contents.hidden = true;
  page.hidden = false;
  if (!fetched.has(id)) {
    say('Opening the page', true);
    const late = setTimeout(() => say('The hub does not answer. Is it still running? Start it, then load this page again.'), SILENT);
    const told = await server.open_lesson({ page: id }).catch(() => null);
    clearTimeout(late);
    if (!told) {
      if (open === id) say('The page could not be opened. Load the hub again.');
      return;
    }
    if (told.html.includes('data-lesson=') && id !== 'game') fetched.set(id, told.html);
    if (open !== id) return;
    page.innerHTML = told.html;
  } else page.innerHTML = fetched.get(id);
  element.dispatchEvent(new CustomEvent('facezoo:lesson', { detail: id, bubbles: true }));
  page.querySelector('h1')?.focus({ preventScroll: true });
  scrollTo({ top: Math.max(0, element.getBoundingClientRect().top + scrollY - 64) });
}

function back() {
  const link = open && contents.querySelector(`a[href="#learn/${CSS.escape(open)}"]`);
  open = '';
  page.hidden = true;
  contents.hidden = false;
  page.replaceChildren();
  if (link) {
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: 'nearest' });
  }
}

function say(words, waits) {
  const line = document.createElement('p');
  line.className = 'opening';
  line.setAttribute('role', 'status');
  if (waits) line.append(Object.assign(document.createElement('span'), { className: 'spinner' }));
  line.append(words);
  page.replaceChildren(line);
}

// An exhibit: its slider or its switch turns all of its rows to one tile.
page.addEventListener('input', event => {
  const exhibit = event.target.closest('[data-exhibit]');
  if (!exhibit || !event.target.matches('.turner input, .switch input')) return;
  const at = Number(event.target.value);
  for (const tile of exhibit.querySelectorAll('.tile')) {
    const columns = Number(tile.dataset.columns), number = at + Number(tile.dataset.first);
    tile.style.setProperty('--column', number % columns);
    tile.style.setProperty('--line', Math.floor(number / columns));
  }
  for (const measure of exhibit.querySelectorAll('.measure')) measure.textContent = JSON.parse(measure.dataset.values)[at];
  for (const now of exhibit.querySelectorAll('.now')) now.setAttribute('transform', `translate(${at * now.dataset.step})`);
  const label = JSON.parse(exhibit.dataset.labels)[at];
  const output = exhibit.querySelector('.turner output');
  if (output) {
    output.textContent = label;
    event.target.setAttribute('aria-valuetext', label);
  }
});

// One of several sections is shown.
page.addEventListener('change', event => {
  if (!event.target.closest('[data-choose]')) return;
  for (const each of page.querySelectorAll('[data-chosen]')) each.hidden = each.dataset.chosen !== event.target.value;
});

// The magnifier.
const CLOSER = 3;
function look(loupe, x, y) { // x, y: in [0, 1] of what is seen
  const lens = loupe.querySelector('.lens'), image = loupe.querySelector('img');
  const { width, height } = loupe.getBoundingClientRect(), here = image.getBoundingClientRect();
  const frame = loupe.getBoundingClientRect();
  loupe.dataset.x = x;
  loupe.dataset.y = y;
  lens.style.left = `${100 * x}%`;
  lens.style.top = `${100 * y}%`;
  const within = [frame.left + x * width - here.left, frame.top + y * height - here.top];
  lens.style.backgroundImage = `url("${image.currentSrc || image.src}")`;
  lens.style.backgroundSize = `${here.width * CLOSER}px ${here.height * CLOSER}px`;
  const half = lens.offsetWidth / 2;
  lens.style.backgroundPosition = `${half - within[0] * CLOSER}px ${half - within[1] * CLOSER}px`;
}
const bounded = value => Math.min(1, Math.max(0, value));
page.addEventListener('pointermove', event => {
  const loupe = event.target.closest('[data-loupe]');
  if (!loupe) return;
  const frame = loupe.getBoundingClientRect();
  look(loupe, bounded((event.clientX - frame.left) / frame.width), bounded((event.clientY - frame.top) / frame.height));
});
page.addEventListener('focusin', event => {
  const loupe = event.target.closest('[data-loupe]');
  if (loupe) look(loupe, Number(loupe.dataset.x ?? 0.5), Number(loupe.dataset.y ?? 0.5));
});
page.addEventListener('keydown', event => {
  const loupe = event.target.closest('[data-loupe]');
  const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!loupe || !step) return;
  event.preventDefault();
  look(loupe, ...['x', 'y'].map((name, i) => bounded(Number(loupe.dataset[name] ?? 0.5) + 0.04 * step[i])));
});

// The game: one face after another, the truth after each answer. And two results to choose from. The hub knows the truth.
const SILENCE = 'The hub does not answer. Load it again.';
let session = '', game = '';
async function play(call, question = {}) {
  const zone = page.querySelector('[data-game]');
  const told = await server[call](question).catch(() => null);
  if (!zone?.isConnected) return;
  if (told?.game) ({ game } = told);
  const begun = zone.querySelector('.round'); // the first face takes no focus from the title
  zone.innerHTML = told ? told.html : `<p class="hint">${SILENCE}</p>`;
  if (begun) zone.querySelector('h2, [data-act=next]')?.focus({ preventScroll: true });
}
async function ask(call, question) {
  const zone = page.querySelector('[data-vote]');
  const told = await server[call](question).catch(() => null);
  if (!zone?.isConnected) return;
  zone.innerHTML = told ? told.html : `<p class="hint">${SILENCE}</p>`;
  if (told?.session) ({ session } = told);
  if (told?.ranking) page.querySelector('[data-ranking]').innerHTML = told.ranking;
  zone.querySelector('button')?.focus({ preventScroll: true });
}
async function save() {
  const told = await server.export({}).catch(() => null);
  if (!told) return;
  const link = Object.assign(document.createElement('a'), { download: 'facezoo-votes.csv' });
  link.href = URL.createObjectURL(new Blob([told.csv], { type: 'text/csv' }));
  link.click();
  URL.revokeObjectURL(link.href);
}
element.addEventListener('facezoo:lesson', event => event.detail === 'game' && play('new_game'));
page.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (button?.dataset.answer) play('judge', { game, round: button.closest('.round').dataset.round, answer: button.dataset.answer });
  if (button?.dataset.act === 'next') play('next_round', { game });
  if (button?.dataset.act === 'again') play('new_game');
  if (button?.dataset.act === 'pair') ask('new_pair', { session });
  if (button?.dataset.act === 'export') save();
  if (button?.dataset.voteFor) {
    ask('vote', { token: page.querySelector('[data-token]').dataset.token, answer: button.dataset.voteFor });
  }
});

// A worksheet shows the questions with room to write, not the answers.
page.addEventListener('click', event => {
  if (event.target.closest('[data-act=print]')) print();
});

addEventListener('hashchange', route);
route();
