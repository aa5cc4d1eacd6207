/* A link to a folded section opens it. */
(() => {
  const open = () => {
    const id = decodeURIComponent(location.hash.slice(1));
    const aside = id && document.getElementById(id)?.querySelector(':scope > details.aside');
    if (aside) aside.open = true;
  };
  addEventListener('hashchange', open);
  open();
})();
