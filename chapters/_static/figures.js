/* A figure, pressed, is shown as large as the window, and larger: by buttons, + and -, or a wheel with Ctrl.
   What is larger than the window scrolls, by arrow keys too. Without scripts the link opens the drawing. */
(() => {
  const dialog = document.createElement('dialog');
  dialog.className = 'lightbox';
  dialog.setAttribute('aria-label', 'Figure, enlarged');
  dialog.innerHTML = '<div class="tools"><button data-by="0.8" aria-label="Smaller">\u2212</button>'
    + '<button data-by="1.25" aria-label="Larger">+</button>'
    + '<button aria-label="Close">\u00d7</button></div><div class="view" tabindex="0"></div>';
  const view = dialog.querySelector('.view');
  let image = null, fit = 1, scale = 1;

  const zoom = (by) => {
    scale = by ? Math.max(1, Math.min(8, scale * by)) : 1;
    const [x, y] = [(view.scrollLeft + view.clientWidth / 2) / view.scrollWidth,
      (view.scrollTop + view.clientHeight / 2) / view.scrollHeight];
    image.style.width = `${fit * scale}px`;
    view.scrollTo(x * view.scrollWidth - view.clientWidth / 2, y * view.scrollHeight - view.clientHeight / 2);
  };
  const open = (link) => {
    const small = link.querySelector('img');
    image = small.cloneNode();
    image.removeAttribute('loading');
    image.style = '';
    view.replaceChildren(image);
    document.body.append(dialog);
    dialog.showModal();
    const [width, height] = [small.getAttribute('width'), small.getAttribute('height')].map(Number);
    fit = Math.min(view.clientWidth, view.clientHeight * width / height);
    zoom(0);
    view.focus();
  };

  document.querySelectorAll('a.figure').forEach((link) => link.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link);
  }));
  dialog.addEventListener('click', ({target}) => {
    if (target.dataset.by) zoom(Number(target.dataset.by));
    else if (target !== view && target !== image) dialog.close();
  });
  dialog.addEventListener('keydown', (event) => {
    const by = {'+': 1.25, '=': 1.25, '-': 0.8, 0: 0}[event.key];
    if (by === undefined || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    zoom(by);
  });
  view.addEventListener('wheel', (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.1 : 1 / 1.1);
  }, {passive: false});
})();
