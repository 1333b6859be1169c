// The zoo's card: the address says which one is open. gradio gives us: element, props, trigger, watch.
const SILENT = 20000; // ms after which we say that the hub does not answer
const page = element.closest('.zoo-page');
let open = '';
let waiting = 0;

function route() {
  if (!element.isConnected) return;
  const method = location.hash.match(/^#zoo\/(\w+)$/)?.[1];
  if (method) show(method);
  else if (open) back();
}

function say(words) {
  page.querySelector('.opening span:last-child').textContent = words;
}

function show(method) {
  open = method;
  page.dataset.view = 'card';
  page.dataset.busy = 'yes';
  say('Opening the card');
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    page.dataset.busy = 'silent';
    say('The hub does not answer. Is it still running? Start it, then load this page again.');
  }, SILENT);
  props.value = { method };
  trigger('opened');
}

function back() {
  const link = page.querySelector(`a[href="#zoo/${open}"]`);
  open = '';
  delete page.dataset.view;
  page.dispatchEvent(new Event('zoo-shown'));
  link?.focus({ preventScroll: true });
  link?.scrollIntoView({ block: 'nearest' });
}

watch('turn', () => {
  clearTimeout(waiting);
  delete page.dataset.busy;
  if (page.getBoundingClientRect().top < 0) page.scrollIntoView({ block: 'start' });
  (element.querySelector('h1') || element.querySelector('a'))?.focus({ preventScroll: true });
});

async function copy(button) {
  const code = button.closest('.code').querySelector('code');
  const words = button.querySelector('span');
  let done = true;
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch (error) { // no clipboard outside https and this machine: the old way
    getSelection().selectAllChildren(code);
    done = document.execCommand('copy');
  }
  words.textContent = done ? 'Copied' : 'Press Ctrl+C';
  setTimeout(() => { words.textContent = 'Copy'; }, 2000);
}

// A method's own tab is below Methods, and made when that one is first opened.
function visit(name) {
  const tab = () => document.querySelector(`[role=tab][data-tab-id="${name}"]`);
  if (!tab()) document.querySelector('[role=tab][data-tab-id="methods"]')?.click();
  const wait = (left) => {
    if (!tab()) return left && setTimeout(wait, 50, left - 1);
    if (name !== 'animate') document.querySelector('[role=tab][data-tab-id="methods"]')?.click();
    tab().click();
    tab().focus();
  };
  wait(40);
}

page.addEventListener('click', event => {
  const button = event.target.closest('button');
  if (button?.dataset.act === 'copy') copy(button);
  if (button?.dataset.tries) visit(button.dataset.tries);
});
addEventListener('hashchange', route);
route();
