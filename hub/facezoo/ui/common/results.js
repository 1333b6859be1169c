// Results side by side, wherever a page shows them. Listens on the document, as gradio draws a zone anew with each event;
// what a visitor chose to look at is kept by the zone's id and put back.
(() => {
  const SLIDERS = '.before-after > input[type=range]';
  const CLOSER = 1.7;
  const kept = new Map(); // id of a zone -> { at, looks, view }
  const zoneOf = part => part.closest('.results')?.parentElement.closest('[id]');
  const keptOf = zone => kept.get(zone.id) ?? kept.set(zone.id, { at: null, looks: new Set(), view: null }).get(zone.id);
  const place = (slider, value) => {
    slider.value = value;
    slider.parentElement.style.setProperty('--at', `${value}%`);
  };

  // Which part of the pictures is seen: [width, left, top] of the whole in percent of the square.
  const seen = picture => {
    picture.dataset.own ??= ['--w', '--x', '--y'].map(name => parseFloat(picture.style.getPropertyValue(name))).join(' ');
    return picture.dataset.own.split(' ').map(Number);
  };
  const nearer = ([width, left, top], times) => [width * times, 50 - (50 - left) * times, 50 - (50 - top) * times];
  const show = (picture, view) => ['--w', '--x', '--y'].forEach((name, i) => picture.style.setProperty(name, `${view[i]}%`));

  function apply(zone) {
    const state = keptOf(zone), results = zone.querySelector('.results');
    if (!results) return;
    for (const button of results.querySelectorAll('[data-look]')) {
      const on = state.looks.has(button.dataset.look);
      button.setAttribute('aria-pressed', String(on));
      results.classList.toggle(button.dataset.look, on);
    }
    for (const button of state.view ? results.querySelectorAll('[data-view]') : []) {
      button.setAttribute('aria-pressed', String(button.dataset.view === state.view));
    }
    const times = state.looks.has('closer') ? CLOSER : 1;
    for (const picture of results.querySelectorAll('.card .viewed')) {
      show(picture, nearer(state.view ? state.view.split(' ').map(Number) : seen(picture), times));
    }
    for (const slider of results.querySelectorAll(SLIDERS)) {
      const at = state.at ?? startOf(slider, state.looks.has('whole'));
      if (slider.value !== at) place(slider, at);
    }
  }

  // Where a slider nobody has moved stands: so that the face is seen changed, in a crop or in the whole picture.
  function startOf(slider, whole) {
    slider.dataset.start ??= slider.getAttribute('value');
    const picture = slider.parentElement;
    if (!whole || !picture.classList.contains('viewed')) return slider.dataset.start;
    const [width, left] = seen(picture);
    const { naturalWidth, naturalHeight } = picture.querySelector('img');
    const fills = Math.min(1, naturalWidth / naturalHeight || 1); // of the square's width
    return String(Math.round((100 * fills * (Number(slider.dataset.start) - left)) / width + 50 * (1 - fills)));
  }

  document.addEventListener('input', event => {
    const slider = event.target.closest(SLIDERS);
    if (!slider) return;
    const zone = zoneOf(slider);
    if (zone) keptOf(zone).at = slider.value;
    for (const each of zone?.querySelectorAll(SLIDERS) ?? [slider]) place(each, slider.value);
  });

  document.addEventListener('click', event => {
    const button = event.target.closest('[data-look], [data-view]');
    const zone = button && zoneOf(button);
    if (!zone) return;
    const state = keptOf(zone);
    if (button.dataset.view) {
      state.view = button.dataset.view;
      state.looks.delete('whole');
    } else if (!state.looks.delete(button.dataset.look)) {
      state.looks.add(button.dataset.look);
      for (const other of { blink: ['before'], before: ['blink'], whole: ['closer'], closer: ['whole'] }[button.dataset.look] ?? []) {
        state.looks.delete(other);
      }
    }
    apply(zone);
  });

  // A zone drawn anew shows what was looked at; another comparison begins with its own face.
  new MutationObserver(changes => {
    const zones = new Set();
    for (const { target, addedNodes } of changes) {
      if (!addedNodes.length || target.closest?.('dialog')) continue;
      const zone = target.closest?.('[id]');
      for (const id of kept.keys()) {
        const known = document.getElementById(id);
        if (known && zone && (known.contains(target) || target.contains(known))) zones.add(known);
      }
    }
    for (const zone of zones) {
      const state = keptOf(zone), buttons = [...zone.querySelectorAll('[data-view]')];
      if (state.view && !buttons.some(each => each.dataset.view === state.view)) state.view = null;
      apply(zone);
    }
  }).observe(document.documentElement, { childList: true, subtree: true });

  // The large view: any two pictures of a comparison under one slider, arrow keys lead from one to the next.
  const viewer = document.createElement('dialog');
  viewer.className = 'viewer';
  viewer.innerHTML = `<div class="viewer-top">
      <label>Left <select data-side="left"></select></label><label>Right <select data-side="right"></select></label>
      <button type="button" class="button" data-act="shut">Close</button></div>
    <div class="viewer-stage"><button type="button" class="button turn" data-turn="-1" aria-label="The result before this one">‹</button>
      <div class="viewer-pictures"></div>
      <button type="button" class="button turn" data-turn="1" aria-label="The next result">›</button></div>
    <div class="viewer-facts" aria-live="polite"></div>`;
  const side = name => viewer.querySelector(`[data-side=${name}]`);
  let cards = [], whole = false;

  const pictureOf = card => card.querySelector('.before-after .after') ?? card.querySelector('.picture > img');
  const titleOf = card => `${card.querySelector('h3').textContent} ${card.querySelector('.year')?.textContent ?? ''}`.trim();

  function draw() {
    const [left, right] = ['left', 'right'].map(name => cards[Number(side(name).value)]);
    const at = viewer.querySelector('input')?.value ?? 50;
    const like = right.querySelector('.viewed') ?? left.querySelector('.viewed');
    const pair = document.createElement('div');
    pair.className = `before-after${like && !whole ? ' viewed' : ''}`;
    pair.style.cssText = like?.style.cssText ?? '';
    pair.style.setProperty('--at', `${at}%`);
    const [one, other] = [left, right].map(card => pictureOf(card).cloneNode());
    one.className = '';
    other.className = 'after';
    const tags = [left, right].map((card, i) => {
      const tag = document.createElement('span');
      tag.className = `tag ${i ? 'right' : 'left'}`;
      tag.textContent = card.dataset.card === 'before' ? 'Before' : `${card.querySelector('h3').textContent} · AI`;
      return tag;
    });
    const handle = document.createElement('span');
    handle.className = 'handle';
    const slider = document.createElement('input');
    Object.assign(slider, { type: 'range', min: 0, max: 100, value: at });
    slider.setAttribute('aria-label', 'How much of the left picture shows');
    pair.append(one, other, ...tags, handle, slider);
    viewer.querySelector('.viewer-pictures').replaceChildren(pair);
    const facts = right.querySelector('.body').cloneNode(true);
    facts.querySelectorAll('.link, details').forEach(each => each.remove());
    viewer.querySelector('.viewer-facts').replaceChildren(facts);
  }

  function turn(by) {
    const right = side('right'), results = cards.map((card, i) => i).filter(i => cards[i].dataset.card !== 'before');
    const next = (results.indexOf(Number(right.value)) + by + results.length) % results.length;
    right.value = String(results[next]);
    draw();
  }

  document.addEventListener('click', event => {
    const button = event.target.closest('[data-act=enlarge]');
    const results = button?.closest('.results');
    if (!results) return;
    cards = [...results.querySelectorAll('.card[data-card]')].filter(pictureOf);
    whole = results.classList.contains('whole');
    const chosen = cards.indexOf(button.closest('.card'));
    const before = cards.findIndex(card => card.dataset.card === 'before');
    for (const name of ['left', 'right']) {
      side(name).replaceChildren(...cards.map((card, i) => new Option(titleOf(card), i)));
    }
    if (!viewer.isConnected) (document.querySelector('.gradio-container') ?? document.body).append(viewer);
    side('left').value = String(Math.max(0, before));
    side('right').value = String(chosen === before ? cards.findIndex((card, i) => i !== before) : chosen);
    draw();
    viewer.showModal();
    viewer.querySelector('[data-act=shut]').focus();
    viewer.addEventListener('close', () => button.isConnected && button.focus(), { once: true });
  });
  viewer.addEventListener('change', event => event.target.matches('select') && draw());
  viewer.addEventListener('click', event => {
    if (event.target === viewer || event.target.closest('[data-act=shut]')) viewer.close();
    const by = event.target.closest('[data-turn]')?.dataset.turn;
    if (by) turn(Number(by));
  });
  viewer.addEventListener('keydown', event => {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by || event.target.matches('select, input')) return;
    event.preventDefault();
    turn(by);
  });

  // A run hides its button; whoever started it with the keyboard finds the focus there again when it ends.
  let started = null;
  document.addEventListener('click', event => {
    started = event.target.closest('.main-button')?.id ?? started;
  });
  new MutationObserver(() => {
    const button = started && document.getElementById(started);
    if (!button || button.closest('.hidden, .hide') || !button.checkVisibility()) return;
    if (document.querySelector('.cancel-button')?.checkVisibility?.()) return;
    if (document.activeElement === document.body) button.focus({ preventScroll: true });
  }).observe(document.documentElement, { childList: true, subtree: true, attributes: true, attributeFilter: ['class'] });

  // The arrow keys lead from tab to tab, as in any list of tabs.
  document.addEventListener('keydown', event => {
    const tab = event.target.closest?.('[role=tab]');
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (!tab || !step) return;
    const tabs = [...tab.closest('[role=tablist]').querySelectorAll('[role=tab]')].filter(each => each.checkVisibility());
    const now = tabs.indexOf(tab), last = tabs.length - 1;
    const next = step === -Infinity ? 0 : step === Infinity ? last : (now + step + tabs.length) % tabs.length;
    event.preventDefault();
    tabs[next].click();
    tabs[next].focus();
  });

  // A card of a method that was not taught the chosen person leads to whom it knows.
  document.addEventListener('click', event => {
    const id = event.target.closest('[data-person]')?.dataset.person;
    const person = id && document.querySelector(`#compare-people input[value="${CSS.escape(id)}"]`);
    person?.click();
  });
})();
