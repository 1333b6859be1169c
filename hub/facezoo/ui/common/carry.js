// What a visitor has chosen goes along from tab to tab: the picture, its face, the person, and that consent was given.
// A link to the steps of a result opens its method's tab with all of that, runs it there, and opens the steps.
(() => {
  const shown = element => Boolean(element?.offsetParent);
  const ours = zone => shown(zone) && !zone.closest('.tabitem').querySelector('.train-app');
  const zoneNow = () => [...document.querySelectorAll('.zones > .left-zone')].find(ours);
  const uploads = new WeakMap(); // zone -> what was uploaded there
  const key = picture => picture && (picture.example ?? picture.upload);
  let mine = false, carried = null, led = false, turn = 0, arrived = 0; // a tab that nothing has arrived in yet says nothing

  // A picture input says what was picked in it: {example} or {upload}.
  document.addEventListener('facezoo:picked', event => {
    const zone = event.target.closest('.zones > .left-zone');
    if (!zone || event.target.closest('.way, .source-box')) return;
    uploads.set(zone, event.detail.upload ? event.detail : null);
    if (!event.detail.carried) mine = true;
  });
  document.addEventListener('change', event => {
    if (event.isTrusted && event.target.closest('.faces, .people')) mine = true;
  });

  function chosenIn(zone) {
    const example = zone.querySelector('.ready-pictures .thumb[aria-pressed=true]')?.dataset.example;
    return {
      picture: example ? { example } : uploads.get(zone),
      face: zone.querySelector('.faces > div > .chip input:checked')?.value,
      person: zone.querySelector('.people input:checked')?.value,
      consent: Boolean([...zone.querySelectorAll('.consent input')].find(shown)?.checked),
    };
  }

  // Gradio draws a tab a little after it was opened.
  async function until(found, now, tries = 600) {
    for (let left = tries; left && now === turn; left -= 1) {
      const value = found();
      if (value) return value;
      await new Promise(done => setTimeout(done, 100));
    }
    return null;
  }

  const press = input => {
    if (input && !input.checked) input.click();
  };

  async function bring(all, now) {
    const zone = await until(() => {
      const at = zoneNow();
      return at?.querySelector('.picker') && at;
    }, now);
    if (!zone || !all.picture) return zone;
    const people = [...zone.querySelectorAll('.people input')];
    press(people.find(each => each.value === all.person));
    if (key(chosenIn(zone).picture) !== key(all.picture)) {
      const input = zone.querySelector('.picture-input'), before = input.querySelector('.picker').dataset.turn;
      input.querySelector('.picker').dispatchEvent(new CustomEvent('facezoo:take', { detail: all.picture, bubbles: true }));
      const drawn = () => input.querySelector('.picker:not([data-state=busy])');
      if (!(await until(() => drawn() && drawn().dataset.turn !== before, now))) return null;
    }
    const faces = [...zone.querySelectorAll('.faces > div > .chip input')];
    press(faces.find(each => each.value === all.face));
    if (all.consent) press(await until(() => [...zone.querySelectorAll('.consent input')].find(shown), now, 20));
    return zone;
  }

  async function steps(id, all, now) {
    const zone = await bring(all, now);
    const run = zone && (await until(() => document.querySelector(`#${id}-run`), now, 20));
    if (!run) return;
    const results = document.querySelector(`#${id}-results`), old = results.querySelector('[data-opens-steps]');
    await new Promise(done => setTimeout(done, 300)); // what was pressed is on its way
    run.click();
    const link = await until(() => {
      const door = results.querySelector('[data-opens-steps]');
      return door && door !== old && shown(document.getElementById(door.dataset.opensSteps)) && door;
    }, now, 600);
    link?.click();
  }

  document.addEventListener('click', event => {
    const tab = event.target.closest('[role=tab]');
    const link = event.target.closest('.card [data-opens-tab]');
    if (led || (!tab && !link)) return; // the tab that a link opens is the link's own affair
    const zone = zoneNow(), left = zone && chosenIn(zone);
    if (left?.picture && (mine || link) && arrived === turn) carried = { ...left, person: left.person ?? carried?.person };
    if (!carried) return;
    turn += 1;
    led = Boolean(link);
    const now = turn, [page, id] = link?.dataset.opensTab.split(' ') ?? [];
    setTimeout(async () => {
      led = false;
      await (page === 'methods' && id ? steps(id, carried, now) : bring(carried, now));
      if (now === turn) arrived = now;
    }, 0);
  }, true);
})();
