/* A link to a term or a citation shows what it leads to, to the mouse and to the keyboard. */
(() => {
  let shown, leaving;
  const hide = () => {
    clearTimeout(leaving);
    shown?.link.removeAttribute('aria-describedby');
    shown?.card.remove();
    shown = undefined;
  };
  const leave = () => { leaving = setTimeout(hide, 200); };  // time to move onto the card
  const show = (link) => {
    hide();
    const card = document.createElement('div');
    card.id = card.className = 'link-card';
    card.role = 'tooltip';
    card.textContent = link.dataset.card;
    document.body.append(card);
    link.setAttribute('aria-describedby', card.id);
    const line = link.getClientRects()[0], gap = 6;
    const right = document.documentElement.clientWidth - card.offsetWidth - gap;
    const below = line.bottom + gap, above = line.top - gap - card.offsetHeight;
    card.style.left = `${Math.max(gap, Math.min(line.left, right))}px`;
    card.style.top = `${below + card.offsetHeight > innerHeight && above > 0 ? above : below}px`;
    card.addEventListener('mouseenter', () => clearTimeout(leaving));
    card.addEventListener('mouseleave', hide);
    shown = { link, card };
  };
  for (const link of document.querySelectorAll('a[data-card]')) {
    link.addEventListener('mouseenter', () => show(link));
    link.addEventListener('focus', () => show(link));
    link.addEventListener('mouseleave', leave);
    link.addEventListener('blur', hide);
  }
  addEventListener('keydown', (event) => { if (event.key === 'Escape') hide(); });
  addEventListener('scroll', hide, { passive: true });
})();
