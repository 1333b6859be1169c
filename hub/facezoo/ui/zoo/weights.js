// The weights beside a card. gradio gives us: element, trigger, watch.
const EVENTS = { pull: 'pulled', stop: 'stopped', 'copy-files': 'copied' };

element.addEventListener('click', event => {
  const button = event.target.closest('button');
  const name = EVENTS[button?.dataset.act];
  if (!name || button.ariaDisabled === 'true') return;
  button.ariaDisabled = 'true'; // still focused, so that the keyboard does not lose its place
  if (name === 'copied') button.textContent = 'Making the copy';
  trigger(name);
});

watch('turn', () => {
  const zone = element.querySelector('.weights');
  if (!zone) return;
  if (zone.dataset.follow !== undefined) trigger('pulled'); // somebody began a download: its progress is ours as well
  const here = document.activeElement === document.body || element.contains(document.activeElement);
  if (zone.dataset.focus !== undefined && here) zone.querySelector('.doing :is(button, a)')?.focus({ preventScroll: true });
});
