// The landmark playground. gradio gives us: element, props (what Python sets), watch, server.
const REACH = 32; // px around a handle in which a finger takes hold of it
const STEP = 1 / 128; // of the drawing, by an arrow key; four times as far with Shift
const section = element.querySelector('.puppet');
const board = section.querySelector('.drawn .pane-frame');
const drawing = section.querySelector('.live-drawing');
const painted = section.querySelector('.live');
const handles = [...board.querySelectorAll('.handle-point')];
const sliders = [...section.querySelectorAll('.puppet-sliders input')];
let posture = {}; // as the server said last
let changes = {}; // sliders moved since
let next = null; // what to ask for next: only the latest counts
let asking = false;
let held = null; // {handle, dx, dy}: the handle under the finger, and where on it

const person = () => section.querySelector('.people input:checked').value;

const camera = () => element.closest('.playground')?.querySelector('.webcam');
const cameraRuns = () => ['busy', 'live', 'recording'].includes(camera()?.dataset.state);

// One question at a time: what comes meanwhile replaces what waits.
async function ask(question = {}) {
  next = question;
  if (cameraRuns()) return camera().querySelector('[data-act=stop]').click(); // and asks when it is off
  if (asking) return;
  asking = true;
  section.setAttribute('aria-busy', 'true');
  let failures = 0;
  while (next) {
    const { fresh, ...more } = next;
    next = null;
    posture = fresh ?? { ...posture, ...changes };
    changes = {};
    if (section.dataset.state !== 'live') section.dataset.state = 'busy';
    try {
      const told = await server.move_puppet({ person: person(), posture, ...more });
      failures = 0;
      if (told.picture) show(told);
      else if (told.problem) trouble(told.problem);
    } catch (error) {
      failures += 1;
      if (failures < 5 && !next) next = { fresh, ...more };
      await new Promise(later => setTimeout(later, 500));
      if (failures >= 5) words('The server does not answer. Try again in a moment.');
    }
  }
  asking = false;
  section.setAttribute('aria-busy', 'false');
}

function show(told) {
  posture = told.posture;
  section.dataset.state = 'live';
  section.querySelector('.problem').replaceChildren();
  painted.src = told.picture;
  drawing.src = told.drawing;
  section.querySelector('.pace').textContent = `Drawn and painted in ${told.milliseconds} ms`;
  for (const each of handles) if (each !== held?.handle) place(each, ...told.handles[each.dataset.handle]);
  const all = { ...posture, ...changes };
  for (const each of sliders) if (!(each.dataset.name in changes)) set(each, all[each.dataset.name] ?? 0);
  props.value = { person: person(), posture };
}

function place(handle, x, y) {
  handle.hidden = false;
  handle.style.left = `${100 * x}%`;
  handle.style.top = `${100 * y}%`;
  handle.at = [x, y];
}

function set(slider, value) {
  slider.value = value;
  const share = (slider.value - slider.min) / (slider.max - slider.min);
  slider.style.setProperty('--at', `${100 * share}%`);
}

function trouble(html) {
  section.dataset.state = painted.src.startsWith('data:') ? 'live' : 'asleep';
  section.querySelector('.problem').innerHTML = html;
}

function words(line) {
  const problem = document.createElement('p');
  problem.className = 'hint';
  problem.setAttribute('role', 'alert');
  problem.textContent = line;
  trouble('');
  section.querySelector('.problem').replaceChildren(problem);
}

// ---- the points: mouse, finger, pen; the nearest one counts ----
const clamp = value => Math.min(Math.max(value, 0), 1);
const at = event => {
  const box = board.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, box.width];
};

function nearest(event) {
  const [x, y, width] = at(event);
  const away = each => Math.hypot(each.at[0] - x, each.at[1] - y) * width;
  const close = handles.filter(each => !each.hidden && away(each) < REACH).sort((a, b) => away(a) - away(b));
  return close[0];
}

board.addEventListener('pointerdown', event => {
  const handle = event.button === 0 && nearest(event);
  if (!handle) return;
  event.preventDefault(); // no selection, no picture dragged; the focus is ours to set
  const [x, y] = at(event);
  held = { handle, dx: handle.at[0] - x, dy: handle.at[1] - y };
  handle.classList.add('held');
  handle.focus({ preventScroll: true });
  board.setPointerCapture(event.pointerId);
});

board.addEventListener('pointermove', event => {
  if (!held) {
    const close = nearest(event);
    for (const each of handles) each.classList.toggle('near', each === close);
    board.style.cursor = close ? 'grab' : '';
    return;
  }
  const [x, y] = at(event);
  pull(held.handle, clamp(x + held.dx), clamp(y + held.dy));
});

for (const name of ['pointerup', 'pointercancel']) {
  board.addEventListener(name, () => {
    if (!held) return;
    held.handle.classList.remove('held');
    held = null;
    if (!asking) ask(); // the point goes where the face can follow
  });
}
// A finger on a point drags it; beside the points it scrolls the page.
board.addEventListener('touchstart', event => { if (nearest(event.touches[0])) event.preventDefault(); }, { passive: false });

board.addEventListener('keydown', event => {
  const handle = event.target.closest('.handle-point');
  const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
  if (!handle || !way) return;
  event.preventDefault();
  const step = event.shiftKey ? 4 * STEP : STEP;
  pull(handle, clamp(handle.at[0] + way[0] * step), clamp(handle.at[1] + way[1] * step));
});

function pull(handle, x, y) {
  place(handle, x, y);
  ask({ handle: handle.dataset.handle, x, y });
}

// ---- sliders, people, beginnings ----
section.addEventListener('input', event => {
  if (event.target.type !== 'range') return;
  changes[event.target.dataset.name] = Number(event.target.value);
  set(event.target, event.target.value);
  ask();
});

section.addEventListener('change', event => {
  if (event.target.type !== 'radio') return;
  section.querySelector('.who').textContent = event.target.dataset.name;
  painted.alt = `${event.target.dataset.name}, painted from the drawing`;
  ask();
});

section.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (button?.dataset.act === 'neutral') ask({ fresh: {} });
  if (button?.dataset.example) ask({ example: button.dataset.example });
});

watch('start', () => {
  if (props.start.posture) ask({ fresh: props.start.posture });
});

for (const each of sliders) set(each, 0);
// After the webcam the persona goes back to what the sliders say.
let before = 'off';
const watcher = new MutationObserver(() => {
  const state = camera()?.dataset.state ?? 'off';
  if (state === before) return;
  if (state === 'off') ask(next ?? {});
  if (state === 'live' && before === 'busy') section.querySelector('.puppet-panes').scrollIntoView();
  before = state;
});

// Nothing is fetched before somebody looks.
new IntersectionObserver((entries, observer) => {
  if (!entries.some(each => each.isIntersecting)) return;
  observer.disconnect();
  watcher.observe(element.closest('.playground'), { subtree: true, attributeFilter: ['data-state'] });
  ask();
}).observe(section);
