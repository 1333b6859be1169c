// Behaviour shared by all pages. Listens on the document, so that it works for whatever gradio renders later.
(() => {
  // The box of the chosen face, or all boxes; when each face has its own person, the names are on them.
  const ownMode = picker => picker.querySelector('.faces [value="own"]')?.checked;
  document.addEventListener('change', event => {
    const faces = event.target.closest('.faces');
    if (!faces) return;
    const picker = faces.closest('.picker');
    const { value } = faces.querySelector(':scope > div > .chip input:checked');
    picker.querySelectorAll('label.face').forEach((box, index) => {
      const person = value === 'own' && picker.querySelector(`[data-own="${index + 1}"]:checked`)?.dataset.name;
      box.classList.toggle('on', value === 'all' || value === String(index + 1) || Boolean(person));
      box.classList.toggle('named', Boolean(person));
      box.classList.toggle('off', value === 'own' && !person);
      box.firstElementChild.textContent = [index + 1, person].filter(Boolean).join(' ');
    });
    for (const row of faces.querySelectorAll('.own-face')) {
      row.querySelector('output').textContent = row.querySelector(':checked').parentElement.title;
    }
  });
  document.addEventListener('click', event => {
    const box = event.target.closest('label.face');
    const picker = box?.closest('.picker');
    if (!picker || !ownMode(picker)) return;
    event.preventDefault(); // a click on a box leads to its person, not back to one face alone
    picker.querySelector(`[data-own="${[...picker.querySelectorAll('label.face')].indexOf(box) + 1}"]:checked`).focus();
  });

  // The link below a result to the steps that led there.
  document.addEventListener('click', event => {
    const name = event.target.closest('[data-opens-steps]')?.dataset.opensSteps;
    const door = name && document.getElementById(name);
    if (!door) return;
    const button = door.querySelector('button');
    if (!button.classList.contains('open')) button.click();
    button.focus({ preventScroll: true });
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    door.scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'start' });
  });

  // A main button waits for the consent that its zone asks for, and shows where it is given.
  document.addEventListener('click', event => {
    const button = event.target.closest('.main-button');
    const asked = [...(button?.closest('.left-zone, .tabitem')?.querySelectorAll('.consent input:not(:checked)') ?? [])]
      .find(each => each.offsetParent);
    if (!asked) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    const box = asked.closest('.consent');
    box.dataset.asks = 'Tick this first, if it is true.';
    box.classList.add('asked');
    asked.focus({ preventScroll: true });
    asked.scrollIntoView({ block: 'center' });
  }, true);

  const shut = except => {
    for (const each of document.querySelectorAll('details.why[open]')) if (each !== except) each.open = false;
  };
  document.addEventListener('click', event => shut(event.target.closest('details.why')));
  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return;
    const open = document.querySelector('details.why[open]');
    shut(null);
    open?.querySelector('summary').focus();
  });

  // A button in the text that opens a tab of the page.
  document.addEventListener('click', event => {
    const names = event.target.closest('[data-opens-tab]')?.dataset.opensTab.split(' ') ?? [];
    for (const name of names) { // a tab, then perhaps one inside it
      const tab = document.querySelector(`[role=tab][data-tab-id="${name}"]`);
      tab?.click();
      tab?.focus();
      tab?.scrollIntoView({ block: 'nearest' });
    }
  });

  // A finger that scrolls the page leaves the slider below it as it was.
  let touched = null; // {slider, value}
  document.addEventListener('pointerdown', event => {
    const slider = event.pointerType === 'touch' && event.target.matches('input[type=range]') && event.target;
    touched = slider ? { slider, value: slider.value } : null;
  }, true);
  document.addEventListener('pointercancel', () => {
    const { slider, value } = touched ?? {};
    touched = null;
    setTimeout(() => { // the browser has its own say first
      if (!slider || slider.value === value) return;
      slider.value = value;
      slider.dispatchEvent(new Event('input', { bubbles: true }));
    });
  }, true);

  // The clip that drove a film goes with it.
  for (const name of ['timeupdate', 'play', 'pause', 'seeking']) {
    document.addEventListener(name, event => {
      const driver = event.target.matches('video.picture') && event.target.closest('.frame')?.querySelector('.driver video');
      if (!driver || driver.readyState < 1) return;
      if (Math.abs(driver.currentTime - event.target.currentTime) > 0.2) driver.currentTime = event.target.currentTime;
      if (event.target.paused) driver.pause(); else driver.play().catch(() => {});
    }, true);
  }
  document.addEventListener('error', event => event.target.closest?.('.driver')?.remove(), true); // not for this browser

  // Films play by themselves, but not for visitors who asked for less motion.
  document.addEventListener('loadeddata', event => {
    if (event.target.autoplay && matchMedia('(prefers-reduced-motion: reduce)').matches) event.target.pause();
  }, true);

  // A film that speaks is silent until this is pressed; then it says it once, from the start.
  document.addEventListener('click', event => {
    const film = event.target.closest('[data-act=hear]')?.parentElement.querySelector('video');
    if (!film) return;
    film.muted = false;
    film.loop = false;
    film.currentTime = 0;
    film.play();
  });

  // Called by the main button: the results may be out of sight, or about to be (live pictures stick to a narrow screen).
  window.facezooShowResults = id => {
    const results = document.getElementById(id);
    if (!results) return;
    const sticks = innerWidth < 900 && getComputedStyle(results.closest('.right-zone')).position === 'sticky';
    const top = results.getBoundingClientRect().top;
    if (!sticks && top >= 0 && top < innerHeight * 0.6) return;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    (sticks ? results.closest('.zones') : results).scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'start' });
  };
})();
