// The persona chooser. gradio gives us: element, props (value goes to the server), trigger.
element.addEventListener('change', event => {
  if (event.target.type !== 'radio') return;
  props.value = event.target.value;
  trigger('chosen');
});
