// Buttons that stand for a picture or a caption, named by data-id: the pressed one is marked at once, then the server is told.
// `element` is the part of the page that holds them, `trigger` calls the event's handler.
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-id]');
  if (!button) return;
  element.querySelectorAll('button[data-id]').forEach((other) => {
    other.setAttribute('aria-pressed', String(other === button));
  });
  trigger('select', { id: button.dataset.id });
});
