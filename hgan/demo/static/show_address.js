// Shows the link of the current state in the address bar, after an answer (tab is null) or when a tab was selected.
// The first tab is selected before the address has been read, so until hganOpened is set a selection changes nothing.
// gradio's own settings in the address, such as ?__theme=dark, stay.
(tab) => (link) => {
  if (tab && !window.hganOpened) return;
  const address = link || (tab && `?tab=${tab}`);
  if (!address) return;
  const kept = [...new URLSearchParams(location.search)].filter(([name]) => name.startsWith('__'));
  history.replaceState(history.state, '', address + (kept.length ? `&${new URLSearchParams(kept)}` : ''));
};
