// What a visitor sees while gradio still draws: taken away when the same is drawn below it.
(() => {
  const shown = document.getElementById('first-view');
  if (matchMedia('(prefers-color-scheme: dark)').matches) document.body.classList.add('dark');
  const { opens } = shown.querySelector('.brand')?.dataset ?? {};
  if (opens && !location.hash) history.replaceState(null, '', `#${opens}`);
  const page = location.hash.slice(1).split('/')[0];
  if (page && page !== 'compare') {
    shown.remove();
    return;
  }
  const drawn = new MutationObserver(() => {
    if (!document.querySelector('gradio-app #compare-results .results')) return;
    drawn.disconnect();
    requestAnimationFrame(() => shown.remove());
  });
  drawn.observe(document.querySelector('gradio-app') ?? document.body, { childList: true, subtree: true });
})();
