// The ways to move a picture. gradio gives us: element, props (value goes to the server), trigger.
element.addEventListener('change', event => {
  props.value = event.target.value;
  trigger('chosen');
  element.querySelector('.ways').scrollIntoView({ block: 'nearest' });
});
