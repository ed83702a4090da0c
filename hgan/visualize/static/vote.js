// Votes of the classroom, counted in the page itself: nothing is sent to the server.
// `element` is the part of the page that holds the case; its content is replaced case by case.
const cards = () => [...element.querySelectorAll('.hg-card')];
const votes = (card) => Math.max(0, Math.floor(Number(card.querySelector('input').value)) || 0);
const count = () => {
  const most = Math.max(1, ...cards().map(votes));
  cards().forEach((card) => {
    card.querySelector('.hg-votes i').style.width = `${(100 * votes(card)) / most}%`;
  });
  const said = element.querySelector('.hg-class');
  if (!said) return;
  const all = cards().reduce((sum, card) => sum + votes(card), 0);
  const best = cards().filter((card) => votes(card) === most && votes(card) > 0);
  const names = best.map((card) => card.dataset.letter).join(' and ');
  const right = cards()
    .filter((card) => card.dataset.true === 'yes')
    .reduce((sum, card) => sum + votes(card), 0);
  said.textContent =
    all === 0
      ? 'Nobody has voted.'
      : `The class: ${all} vote${all === 1 ? '' : 's'}, most for ${names}; ${right} of ${all} for the right picture.`;
};
element.addEventListener('click', (event) => {
  const vote = event.target.closest('.hg-vote');
  if (vote) {
    const input = vote.closest('.hg-card').querySelector('input');
    input.value = Math.min(999, votes(vote.closest('.hg-card')) + 1);
    count();
  } else if (event.target.closest('.hg-reveal')) {
    const answer = element.querySelector('.hg-answer');
    answer.hidden = !answer.hidden;
    element.querySelector('.hg-case').classList.toggle('hg-revealed', !answer.hidden);
    const button = element.querySelector('.hg-reveal');
    button.textContent = answer.hidden ? 'Reveal' : 'Hide the answer';
    button.setAttribute('aria-expanded', String(!answer.hidden));
    count();
    if (!answer.hidden) answer.scrollIntoView({ behavior: 'smooth', block: 'nearest' });
  } else if (event.target.closest('.hg-clear')) {
    cards().forEach((card) => {
      card.querySelector('input').value = 0;
    });
    count();
  }
});
element.addEventListener('input', count);
