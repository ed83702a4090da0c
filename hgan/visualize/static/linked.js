// Linked highlighting of one explanation (hgan/visualize/linked.py says how its HTML is marked).
// `element` is the part of the page that holds the explanation; its content may be replaced at any time.
let pinned = [],
  seen = null;
const current = () => {
  const root = element.querySelector('.hg-linked');
  if (root !== seen) [seen, pinned] = [root, []];
  return root;
};
const keysOf = (target) => {
  const own = target.closest('[data-key]') || target.closest('tr')?.querySelector('th[scope=row] [data-key]');
  return own && current()?.contains(own) ? own.dataset.key.split(' ') : [];
};
const show = (keys) => {
  const root = current();
  if (!root) return;
  const chips = keys.map((key) => root.querySelector(`.hg-chip[data-key="${key}"]`)).filter(Boolean);
  const met = new Set(keys.length === 1 ? chips.flatMap((chip) => chip.dataset.meets.split(' ')) : []);
  const chosen = (key) => keys.includes(key);
  const lit = (key) => chosen(key) || met.has(key);
  root.classList.toggle('hg-choosing', keys.length > 0);
  root.querySelectorAll('[data-key]').forEach((part) => {
    const own = part.dataset.key.split(' ');
    part.classList.toggle('hg-on', own.every(chosen));
    part.classList.toggle('hg-met', own.every(lit) && !own.every(chosen));
    if (part.matches('.hg-chip')) part.setAttribute('aria-pressed', String(pinned.includes(part.dataset.key)));
  });
  root.querySelectorAll('[data-edge]').forEach((part) => {
    const ends = part.dataset.edge.split(' ');
    part.classList.toggle('hg-on', ends.some(chosen) || ends.every(lit));
    part.classList.toggle(
      'hg-met',
      ends.some((key) => met.has(key)),
    );
  });
  const said = root.querySelector('.hg-said');
  const cell = keys.length > 1 && root.querySelector(`[data-key="${keys.join(' ')}"]`);
  const words = cell ? cell.title : chips.length ? chips[0].dataset.say : said.dataset.invitation;
  if (said.textContent !== words) said.textContent = words;
};
element.addEventListener('click', (event) => {
  const keys = keysOf(event.target);
  if (!keys.length) return;
  pinned = keys.join() === pinned.join() ? [] : keys;
  show(pinned);
});
element.addEventListener('pointerover', (event) => {
  if (event.pointerType === 'touch') return;
  const keys = keysOf(event.target);
  show(keys.length ? keys : pinned);
});
element.addEventListener('pointerleave', () => show(pinned));
element.addEventListener('focusin', (event) => {
  if (!event.target.matches('.hg-linked .hg-chip:focus-visible')) return;
  const stop = (chip) => {
    chip.tabIndex = chip === event.target ? 0 : -1;
  };
  event.target.closest('[role=toolbar]').querySelectorAll('.hg-chip').forEach(stop);
  show(keysOf(event.target));
});
element.addEventListener('focusout', () => show(pinned));
element.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') {
    pinned = [];
    show([]);
  }
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const bar = event.target.closest('.hg-linked [role=toolbar]');
  if (!step || !bar) return;
  const chips = [...bar.querySelectorAll('.hg-chip')];
  chips[(chips.indexOf(event.target) + step + chips.length) % chips.length].focus();
  event.preventDefault();
});
