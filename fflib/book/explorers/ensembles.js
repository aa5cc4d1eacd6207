const run = chooseRun(data, () => change());
const layer = part("depth"), label = part("class"), order = part("order"), cursor = part("unit");
const profile = part("profile");
let units = [], shown = null;

const sheets = new Map();
const sheet = (images) => {
  if (!sheets.has(images)) {
    const image = new Image();
    image.src = images.sheet;
    sheets.set(images, image.decode().then(() => image));
  }
  return sheets.get(images);
};

const look = () => {
  const it = run(), row = layer.selectedIndex * it.classes.length;
  it.packed ??= bytes(it.members);
  it.levels ??= bytes(it.means);
  const members = (c) => range(it.units).filter((u) => bit(it.packed, row + c, it.units, u));
  const level = (unit) => it.levels[(row + label.selectedIndex) * it.units + unit];
  return { it, members, level, top: it.tops[layer.selectedIndex] };
};

const images = (kept, chosen, name) => {
  const list = part("images");
  list.replaceChildren();
  part("none").hidden = chosen.length > 0;
  part("from").hidden = !chosen.length;
  part("none").textContent = kept
    ? "The ensemble is empty: no image drives it."
    : "No images are on file for this run; a live run in JupyterLab shows its own.";
  for (const place of chosen) {
    const [width, height] = kept.size;
    const number = kept.numbers[place];
    const canvas = make("canvas", null, { width, height });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Test image ${number} of class ${name}`);
    const item = make("li", null);
    item.append(canvas, make("div", `no. ${number}`));
    list.append(item);
    sheet(kept).then((image) => {
      const x = (place % kept.across) * width, y = Math.floor(place / kept.across) * height;
      canvas.getContext("2d").drawImage(image, x, y, width, height, 0, 0, width, height);
      canvas.dataset.drawn = "yes";
    });
  }
};

const change = () => {
  offer(layer, range(run().layers).map((depth) => `layer ${depth + 1}`));
  offer(label, run().classes);
  show();
};

const show = () => {
  const { it, members, level, top } = look();
  const own = members(label.selectedIndex), name = it.classes[label.selectedIndex];
  const mine = new Set(own);
  const sharing = it.classes
    .map((other, c) => {
      if (c === label.selectedIndex) return null;
      const theirs = members(c), shared = theirs.filter((u) => mine.has(u)).length;
      return { c, other, shared, jaccard: shared / (own.length + theirs.length - shared) };
    })
    .filter((found) => found && found.shared)
    .sort((a, b) => b.shared - a.shared || a.c - b.c);
  const chosen = it.images
    ? it.images.chosen[layer.selectedIndex][label.selectedIndex].filter((place) => place >= 0)
    : [];
  units = range(it.units);
  const active = units.filter((u) => level(u) || mine.has(u));
  if (order.selectedIndex && active.length)
    units = active.sort((a, b) => level(b) - level(a) || a - b);

  const most = sharing.length
    ? `It shares units with ${plural(sharing.length, "other")}, most with ${sharing[0].other} ` +
      `(${sharing[0].shared}).`
    : "It shares no unit with any other.";
  part("said").textContent =
    `${it.model} on ${it.dataset}, ${layer.selectedOptions[0].text}, class ${name}: ` +
    `${own.length} of ${it.units} units are in the ensemble. ${most}`;
  part("source").textContent = it.said;
  part("members").textContent = own.length ? own.join(", ") : "none";
  part("count").textContent = plural(own.length, "member");
  part("alone").hidden = sharing.length > 0;
  part("sharing").replaceChildren(...sharing.map(({ c, other, shared, jaccard }) => {
    const button = make("button", other, { type: "button" });
    button.setAttribute("aria-label", `Show ${other}`);
    button.addEventListener("click", () => { label.selectedIndex = c; show(); label.focus(); });
    const track = make("span", null, { className: "track" });
    const bar = make("span", null, { className: "bar" });
    bar.style.display = "block";
    bar.style.width = `${100 * shared / sharing[0].shared}%`;
    track.append(bar);
    const item = make("li", null);
    const count = `${plural(shared, "unit")}, Jaccard ${jaccard.toFixed(2)}`;
    item.append(button, track, make("span", count, { className: "count" }));
    return item;
  }));
  images(it.images, chosen, name);
  Object.assign(root.dataset, {
    dataset: it.dataset, model: it.model, layer: layer.selectedIndex + 1,
    class: label.selectedIndex, size: own.length, members: own.join(" "),
    sharing: sharing.map(({ c, shared }) => `${c}:${shared}`).join(" "),
    images: it.images ? chosen.map((place) => it.images.numbers[place]).join(" ") : "",
    order: order.selectedIndex ? "sorted" : "place",
  });
  shown = mine;
  cursor.max = units.length - 1;
  part("top").textContent = top.toFixed(2);
  const silent = it.units - units.length;
  part("axis").textContent =
    `units, ${order.selectedOptions[0].text}${silent ? `; ${silent} more are silent` : ""}`;
  part("last").textContent = units.length;
  draw();
};

const draw = () => {
  if (!shown || !profile.clientWidth) return;
  const { level } = look();
  const [pen, width, height] = sharp(profile, 120);
  const step = width / units.length, wide = Math.max(step * 0.8, 1);
  for (const member of [false, true]) {
    pen.fillStyle = colour(member ? "own" : "rest");
    units.forEach((unit, at) => {
      if (shown.has(unit) !== member) return;
      const tall = Math.round(level(unit) / 255 * (height - 4));
      pen.fillRect(at * step, height - tall, wide, tall);
    });
  }
  pen.fillStyle = colour("other");
  pen.fillRect((+cursor.value + 0.5) * step - 1, 0, 2, height);
  point();
};

const point = () => {
  const { it, members, level, top } = look();
  const unit = units[+cursor.value];
  const where = it.classes.filter((_, c) => members(c).includes(unit));
  const text =
    `Unit ${unit}: mean activation ${(level(unit) / 255 * top).toFixed(2)}, ` +
    (where.length ? `in the ensemble of ${where.join(", ")}.` : "in no ensemble.");
  part("pointed").textContent = text;
  cursor.setAttribute("aria-valuetext", text);
  root.dataset.unit = unit;
};

for (const select of [layer, label, order]) select.addEventListener("change", show);
cursor.addEventListener("input", draw);
profile.addEventListener("pointermove", (event) => {
  cursor.value = Math.floor(event.offsetX / profile.clientWidth * units.length);
  draw();
});
root.hidden = false;
change();
keepDrawn(draw);
address(["dataset", "model", "depth", "class", "order", "unit"]);
