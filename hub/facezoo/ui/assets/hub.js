// Behaviour shared by all pages. Listens on the document, so that it works for whatever gradio renders later.
(() => {
  document.addEventListener('input', event => {
    const slider = event.target.closest('.before-after > input[type=range]');
    if (slider) slider.parentElement.style.setProperty('--at', `${slider.value}%`);
  });

  // The box of the chosen face, or all boxes.
  document.addEventListener('change', event => {
    const faces = event.target.closest('.faces');
    if (!faces) return;
    const { id, value } = event.target;
    for (const box of faces.closest('.picker').querySelectorAll('.face')) {
      box.classList.toggle('on', value === 'all' || box.htmlFor === id);
    }
  });

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
    const name = event.target.closest('[data-opens-tab]')?.dataset.opensTab;
    if (!name) return;
    const tab = document.querySelector(`[role=tab][data-tab-id="${name}"]`);
    tab?.click();
    tab?.focus();
    tab?.scrollIntoView({ block: 'nearest' });
  });

  // Films play by themselves, but not for visitors who asked for less motion.
  document.addEventListener('loadeddata', event => {
    if (event.target.autoplay && matchMedia('(prefers-reduced-motion: reduce)').matches) event.target.pause();
  }, true);

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
