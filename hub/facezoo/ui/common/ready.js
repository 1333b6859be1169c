// The strips of ready pictures, or clips. gradio gives us: element, props (value goes to the server), trigger.
element.addEventListener('click', event => {
  const button = event.target.closest('button[data-example]');
  if (!button) return;
  element.closest('.way, .puppet-doors, .left-zone').querySelector('.picker')?.setAttribute('data-state', 'busy');
  element.dispatchEvent(new CustomEvent('facezoo:picked', { detail: { example: button.dataset.example }, bubbles: true }));
  props.value = { example: button.dataset.example };
  trigger('picked');
});
