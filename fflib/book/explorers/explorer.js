// What every explorer needs: its data as bytes and bits, and canvases as sharp as the screen.
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const bit = (packed, row, units, unit) =>
  (packed[row * Math.ceil(units / 8) + (unit >> 3)] >> (7 - (unit & 7))) & 1;
const part = (name) => root.querySelector(`.${name}`);
const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
const range = (n) => [...Array(n).keys()];
const plural = (n, one) => `${n} ${one}${n === 1 ? "" : "s"}`;

const make = (tag, text, properties = {}) => {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== null) made.textContent = text;
  return made;
};

// Fill a <select>; what was chosen stays, where it is still offered in that place.
const offer = (select, names) => {
  const before = Math.min(Math.max(select.selectedIndex, 0), names.length - 1);
  select.replaceChildren(...names.map((name, value) => make("option", name, { value })));
  select.selectedIndex = before;
};

// A canvas of one pixel per pixel of the screen, and its size.
const sharp = (canvas, height) => {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.max(1, Math.round(canvas.clientWidth * scale));
  canvas.height = Math.round(height * scale);
  canvas.style.height = `${height}px`;
  return [canvas.getContext("2d"), canvas.width, canvas.height];
};

// Data set and model, of which a page may have any combination.
const chooseRun = (data, change) => {
  const dataset = part("dataset"), model = part("model");
  const distinct = (names) => [...new Set(names)];
  offer(dataset, distinct(data.runs.map((run) => run.dataset)));
  const models = () =>
    data.runs.filter((run) => run.dataset === dataset.selectedOptions[0].text);
  const refill = () => offer(model, models().map((run) => run.model));
  refill();
  dataset.addEventListener("change", () => { refill(); change(); });
  model.addEventListener("change", change);
  return () => models()[model.selectedIndex];
};

// Draw again when the panel gets another width or the page another theme.
const keepDrawn = (draw) => {
  new ResizeObserver(draw).observe(root);
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
};

// A link to what the panel shows: its controls by name, in the address of the page.
const address = (names) => {
  const link = part("link");
  const value = (control) => control.selectedOptions?.[0].text ?? control.value;
  const update = () => {
    const state = new URLSearchParams(names.map((name) => [name, value(part(name))]));
    link.href = `#${root.id}?${state}`;
  };
  const restore = () => {
    const [id, state] = location.hash.slice(1).split("?");
    if (id !== root.id || !state) return;
    for (const [name, wanted] of new URLSearchParams(state)) {
      const control = names.includes(name) && part(name);
      if (!control || value(control) === wanted) continue;
      const place = control.options && [...control.options].findIndex(({ text }) => text === wanted);
      if (place === -1) continue;
      if (control.options) control.selectedIndex = place;
      else control.value = wanted;
      control.dispatchEvent(new Event(control.options ? "change" : "input"));
    }
    root.scrollIntoView();
  };
  for (const event of ["focus", "pointerenter"]) link.addEventListener(event, update);
  addEventListener("hashchange", restore);
  restore();
  update();
};
