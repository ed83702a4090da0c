// Copies the address of the page. Browsers allow this on secure pages only; elsewhere a box shows the link, to copy by hand.
async () => {
  const button = document.activeElement;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(location.href);
    button.textContent = 'Copied';
    setTimeout(() => {
      button.textContent = before;
    }, 1500);
  } catch {
    window.prompt('Copy this link', location.href);
  }
};
