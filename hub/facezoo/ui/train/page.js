// The Train page: it asks the server, and puts the parts of the answers in their places. gradio gives us: element,
// props (value goes to the server), trigger, upload, server.
const LARGEST = 50 * 1024 * 1024;
const KEY = 'facezoo-train';
const OFTEN = 1500; // ms between two looks while something goes on
const page = element.closest('.train-page');
const part = name => page.querySelector(`[data-part="${name}"]`);
const sideOf = target => target.closest('.side')?.dataset.side;
const shown = {}; // part -> the HTML it was filled with
const galleries = { a: { seen: '', filter: 'all', count: 0, turn: 0 }, b: { seen: '', filter: 'all', count: 0, turn: 0 } };
const held = { a: [], b: [] }; // uploads of a side that wait for its consent
let id = '';
let step = 0; // where the work is
let timer = 0;
let silent = false; // the hub did not answer the last question
let line = Promise.resolve(); // one question at a time: the first may make the project that the second is about

function remembered() {
  const given = location.hash.match(/^#train\/([\w-]+)$/)?.[1];
  try {
    return given || localStorage.getItem(KEY) || '';
  } catch (error) { // storage is off
    return given || '';
  }
}

function remember(name) {
  if (name === id) return;
  id = name;
  step = 0;
  for (const side of ['a', 'b']) {
    Object.assign(galleries[side], { seen: '', count: 0 });
    fill(`${side}-faces`, '');
  }
  try {
    if (id) localStorage.setItem(KEY, id);
    else localStorage.removeItem(KEY);
  } catch (error) { /* storage is off: the address is enough */ }
  if (location.hash.startsWith('#train') || visible()) history.replaceState(null, '', id ? `#train/${id}` : '#train');
}

function visible() {
  return element.isConnected && element.offsetParent !== null;
}

function ask(what, sent = {}) {
  clearTimeout(timer);
  line = line.then(() => answer(what, sent));
  return line;
}

async function answer(what, sent) {
  clearTimeout(timer);
  let told = null;
  try {
    told = await server.ask({ what, id, ...sent });
  } catch (error) {
    silent = true;
    fill('trouble', '<p class="panel" data-state="failed" role="alert">The hub does not answer. We keep trying.</p>');
    timer = setTimeout(look, 5000);
    return;
  }
  const { trouble } = told.parts;
  if (what === 'look' && !trouble && !silent) delete told.parts.trouble; // what was said last stays
  silent = false;
  draw(told);
  if (trouble) part('trouble').scrollIntoView({ block: 'nearest' });
}

function look() {
  clearTimeout(timer);
  if (visible() && !document.hidden) ask('look');
  else timer = setTimeout(look, OFTEN);
}

function draw(told) {
  remember(told.id);
  if (props.value.project !== id) props.value = { project: id }; // not earlier: gradio forgets what is set as it loads
  page.dataset.synthetic = told.example ? 'yes' : 'no';
  for (const [name, html] of Object.entries(told.parts)) fill(name, html);
  for (const side of ['a', 'b']) {
    if (told.galleries[side] !== galleries[side].seen) gallery(side, told.galleries[side]);
    const chosen = page.querySelector(`[data-shown="${side}"][value="${galleries[side].filter}"]`);
    if (chosen) chosen.checked = true;
  }
  if (told.step !== step) {
    step = told.step;
    page.dataset.step = step;
    open(step);
    const first = step === 3 && page.querySelector(`.train-create .thumb[data-example="${told.example}"]`);
    if (first && page.querySelector('.train-create .picker[data-state=empty]')) first.click();
  }
  if (told.busy) timer = setTimeout(look, OFTEN);
}

// Keeps the keyboard's place when the control that has it is made anew.
function fill(name, html) {
  if (shown[name] === html) return;
  const place = part(name);
  if (!place) return;
  shown[name] = html;
  const focused = place.contains(document.activeElement) ? document.activeElement : null;
  place.innerHTML = html;
  if (!focused) return;
  const same = focused.dataset.act && place.querySelector(`[data-act="${focused.dataset.act}"]`);
  const next = same || place.querySelector(focused.type === 'radio' ? `[value="${focused.value}"]` : 'button');
  (next || page.querySelector('[data-opens-step][aria-expanded=true]'))?.focus({ preventScroll: true });
}

function open(number) {
  page.dataset.open = number;
  for (const head of page.querySelectorAll('[data-opens-step]')) {
    const own = Number(head.dataset.opensStep);
    head.ariaExpanded = String(own === number);
    head.disabled = own > Math.max(step, number);
    head.closest('.train-step').dataset.state = own === number ? 'open' : own < Math.max(step, number) ? 'done' : 'later';
  }
}

async function gallery(side, version = galleries[side].seen, count = galleries[side].count) {
  const mine = galleries[side];
  const turn = (mine.turn += 1);
  mine.seen = version;
  mine.count = count;
  const told = version ? await server.faces({ id, side, shown: mine.filter, count }) : { items: '', more: '' };
  if (mine.turn !== turn) return;
  fill(`${side}-faces`, told.items);
  fill(`${side}-more`, told.more);
}

async function take(side, files) {
  const chosen = [...files];
  if (!chosen.length) return;
  const paths = [];
  const troubles = [];
  for (const [index, file] of chosen.entries()) {
    say(side, `Uploading ${index + 1} of ${chosen.length}`, index / chosen.length);
    if (file.size > LARGEST) troubles.push(`${file.name} is larger than 50 MB.`);
    else {
      try {
        paths.push((await upload(file)).path);
      } catch (error) {
        troubles.push(`${file.name} could not be uploaded.`);
      }
    }
  }
  if (troubles.length) complain(side, troubles.join(' '));
  else fill(`${side}-doing`, '');
  held[side].push(...paths);
  if (paths.length) give(side);
}

function give(side) {
  const consent = page.querySelector(`[data-consent="${side}"]`);
  if (!consent.checked) {
    consent.closest('label').dataset.wanted = 'yes';
    complain(side, 'Is it true that you may use this face? Tick the line above; your files wait.');
    consent.focus({ preventScroll: true });
    return;
  }
  const uploads = held[side];
  held[side] = [];
  ask('add', { side, uploads, consent: true });
}

function say(side, words, share) {
  const line = document.createElement('p');
  line.className = 'stage-words';
  line.setAttribute('role', 'status');
  line.textContent = words;
  const bar = document.createElement('progress');
  bar.max = 1;
  bar.value = share;
  bar.ariaLabel = words;
  fill(`${side}-doing`, line.outerHTML + bar.outerHTML);
}

function complain(side, words) {
  const line = document.createElement('p');
  line.className = 'panel';
  line.dataset.state = 'refused';
  line.setAttribute('role', 'alert');
  line.textContent = words;
  fill(`${side}-doing`, line.outerHTML);
}

// A face is dropped or kept at once; the server is told after.
function toggle(button) {
  const kept = button.ariaPressed !== 'true';
  button.ariaPressed = String(kept);
  button.querySelector('small').textContent = kept ? '' : 'by you';
  button.ariaLabel = button.ariaLabel.replace(/, (kept|dropped.*)$/, kept ? ', kept' : ', dropped: by you');
  ask('keep', { side: sideOf(button), face: button.dataset.face, kept });
}

const ACTS = {
  example: () => ask('example'),
  next: () => {
    open(2);
    page.querySelector('[data-opens-step="2"]').focus();
  },
  start: () => ask('start', { minutes: page.querySelector('[name="train-minutes"]:checked').value }),
  stop: button => ask('stop', { side: button.dataset.side }),
  more: button => gallery(sideOf(button), undefined, Number(button.dataset.count)),
  pause: () => ask('pause'),
  resume: () => ask('resume'),
  finish: () => ask('finish'),
  delete: () => sure(true),
  'keep-it': () => sure(false),
  'delete-now': () => ask('delete'),
  pack: async () => fill('weights', (await server.pack({ id })).html),
};

function sure(asked) {
  const line = page.querySelector('.sure');
  line.hidden = !asked;
  page.querySelector('[data-act=delete]').hidden = asked;
  page.querySelector(asked ? '[data-act="keep-it"]' : '[data-act=delete]').focus({ preventScroll: true });
}

page.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (!button || button.ariaDisabled === 'true') return;
  if (button.dataset.opensStep) return open(Number(button.dataset.opensStep));
  if (button.dataset.face) return toggle(button);
  const act = ACTS[button.dataset.act];
  if (!act || !button.closest('.train-app, .train-about, .train-end, .train-weights')) return;
  const answered = act(button);
  if (!answered?.then) return;
  button.ariaDisabled = 'true'; // still focused, so that the keyboard does not lose its place
  answered.then(() => { button.ariaDisabled = 'false'; });
});

page.addEventListener('change', event => {
  const { target } = event;
  if (target.dataset.files) {
    take(target.dataset.files, target.files);
    target.value = '';
  } else if (target.dataset.consent) {
    delete target.closest('label').dataset.wanted;
    if (target.checked && held[target.dataset.consent].length) give(target.dataset.consent);
  } else if (target.dataset.shown) {
    galleries[target.dataset.shown].filter = target.value;
    gallery(target.dataset.shown, undefined, 0);
  }
});

for (const name of ['dragenter', 'dragover', 'dragleave', 'drop']) {
  element.addEventListener(name, event => {
    const place = event.target.closest('.side');
    if (!place) return;
    event.preventDefault();
    place.classList.toggle('over', name === 'dragenter' || name === 'dragover');
    if (name === 'drop') take(place.dataset.side, event.dataTransfer.files);
  });
}

addEventListener('hashchange', () => {
  const given = location.hash.match(/^#train\/([\w-]+)$/)?.[1];
  if (!element.isConnected || !given || given === id) return;
  remember(given);
  ask('look');
});
document.addEventListener('visibilitychange', () => { if (!document.hidden && id && visible()) look(); });

const before = remembered();
if (before) {
  remember(before);
  ask('look');
} else open(1);
