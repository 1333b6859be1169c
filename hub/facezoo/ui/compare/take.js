// What is taken along of a comparison that ships: made when it is asked for. gradio gives us: element, server.
document.addEventListener('click', async event => {
  const button = event.target.closest('button[data-take]');
  if (!button || !element.isConnected || button.getAttribute('aria-disabled') === 'true') return;
  const row = button.closest('.take'), said = row.querySelector('[role=status]');
  const { take, picture, persona } = button.dataset;
  button.setAttribute('aria-disabled', 'true');
  said.textContent = 'Making it';
  const told = await server.take({ picture, persona });
  button.removeAttribute('aria-disabled');
  said.textContent = told.problem ?? '';
  if (told.problem) return;
  const link = document.createElement('a');
  link.href = told[take];
  link.download = decodeURIComponent(told[take].split('/').pop());
  link.click();
});
document.addEventListener('click', async event => {
  const button = event.target.closest('button[data-copies]');
  if (!button || !element.isConnected) return;
  const said = button.closest('.take').querySelector('[role=status]');
  try {
    await navigator.clipboard.writeText(new URL(`#${button.dataset.copies}`, location.href).href);
    said.textContent = 'Copied';
  } catch {
    said.textContent = `#${button.dataset.copies}`;
  }
});
