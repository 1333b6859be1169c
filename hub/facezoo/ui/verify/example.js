// The example is read when somebody sees it. gradio gives us: element, trigger.
const seen = new IntersectionObserver(entries => {
  if (!entries.some(each => each.isIntersecting)) return;
  seen.disconnect();
  trigger('seen');
});
seen.observe(element);
