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

  // Called by the main button: on a narrow screen the results are below the fold.
  window.facezooShowResults = id => {
    const results = document.getElementById(id);
    if (!results || results.getBoundingClientRect().top < innerHeight * 0.6) return;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    results.scrollIntoView({ behavior: still ? 'auto' : 'smooth', block: 'start' });
  };
})();
