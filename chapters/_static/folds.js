/* A link to a folded section opens it, and what a fold had hidden can be scrolled by keyboard. */
(() => {
  const open = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const aside = id && document.getElementById(id)?.querySelector(':scope > details.aside');
    if (aside) aside.open = true;
  };
  addEventListener('hashchange', open);
  open();
  // The theme measures what scrolls when the window changes; what is folded away may have no width then.
  document.addEventListener('toggle', () => dispatchEvent(new Event('resize')), true);
})();
