// The motions to choose from: each film plays under the pointer, under the keyboard's focus, and while it is the chosen
// one. gradio gives us: element, props (value goes to the server).
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const play = card => {
  for (const film of element.querySelectorAll('video')) {
    const wanted = card?.contains(film) || film.closest('.motion').querySelector('input').checked;
    if (wanted && !calm.matches) film.play().catch(() => {}); else film.load();
  }
};
element.addEventListener('change', event => {
  props.value = event.target.value;
  play(event.target.closest('.motion'));
});
for (const name of ['pointerover', 'focusin']) {
  element.addEventListener(name, event => play(event.target.closest('.motion')));
}
element.addEventListener('pointerleave', () => play(null));
play(null);
