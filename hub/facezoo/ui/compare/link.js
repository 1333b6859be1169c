// The address of a comparison that ships: #compare/<picture>/<persona>/<face> brings it, and follows what is chosen.
// Uploads have none. gradio gives us: element.
const zone = () => document.querySelector('gradio-app #compare-results'); // not the first view's
const shown = () => zone()?.querySelector('.results')?.dataset.link ?? '';
const moment = () => new Promise(done => setTimeout(done, 100));
let first = null;

async function until(found) {
  for (let tries = 0; tries < 100; tries++) {
    const one = found();
    if (one) return one;
    await moment();
  }
  return null;
}

async function follow() {
  const [page, picture, persona, face = '1'] = location.hash.slice(1).split('/').map(decodeURIComponent);
  if (page !== 'compare' || !picture || !persona) return;
  const wanted = `compare/${picture}/${persona}/${face}`;
  if (!(await until(shown)) || shown() === wanted) return;
  const find = (place, name, id) => document.querySelector(`gradio-app ${place} [${name}="${CSS.escape(id)}"]`);
  const person = await until(() => find('#compare-people', 'value', persona));
  const button = await until(() => find('.zones:has(#compare-results)', 'data-example', picture));
  if (!person || !button) return;
  if (!person.checked) {
    person.click();
    await until(() => shown().split('/')[2] === persona);
  }
  if (shown() === wanted) return;
  button.click();
  await until(() => shown().split('/')[1] === picture);
}

addEventListener('hashchange', follow);
let following = follow().finally(() => { following = null; });

new MutationObserver(() => {
  if (!zone()?.querySelector('.results')) return;
  const link = shown();
  first ??= link;
  if (following || zone().offsetParent === null) return;
  const now = location.hash.slice(1);
  const wanted = link === first && !now.startsWith('compare/') ? now : link || (now.startsWith('compare/') ? 'compare' : now);
  if (wanted !== now) history.replaceState(null, '', `#${wanted}`);
}).observe(document.documentElement, { childList: true, subtree: true });
