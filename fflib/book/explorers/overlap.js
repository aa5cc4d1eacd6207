const run = chooseRun(data, () => change());
const layer = part("depth"), rule = part("rule"), grid = part("grid"), strip = part("strip");
const pair = part("pair");  // as an address has it
let at = data.start, drawn = null;

const change = () => {
  offer(layer, range(run().layers).map((depth) => `layer ${depth + 1}`));
  show();
};

const ensembles = () => {
  const it = run(), row = layer.selectedIndex * it.classes.length;
  it.packed ??= it.members.map(bytes);
  const packed = it.packed[rule.selectedIndex];
  return it.classes.map((_, c) =>
    new Set(range(it.units).filter((unit) => bit(packed, row + c, it.units, unit))));
};

const compare = (a, b) => {
  const shared = [...a].filter((unit) => b.has(unit));
  const either = a.size + b.size - shared.length;
  return { shared, jaccard: either ? shared.length / either : NaN };
};

// A colour of the scale and the ink that is read on it.
const shade = (value) => {
  const place = Math.min(Math.max(value, 0), 1) * (data.scale.length - 1);
  const low = Math.floor(place), high = Math.ceil(place);
  const rgb = data.scale[low].map((c, i) => Math.round(c + (place - low) * (data.scale[high][i] - c)));
  const light = rgb.map((c) => (c / 255) ** 2.2);
  const bright = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2];
  return [`rgb(${rgb})`, bright > 0.18 ? "#000" : "#fff"];
};

const show = () => {
  const it = run(), all = ensembles(), names = it.classes;
  at = at.map((c) => Math.min(c, names.length - 1));
  const found = all.map((a) => all.map((b) => compare(a, b)));
  const apart = found.flatMap((row, a) => row.filter((_, b) => a !== b));
  const most = Math.max(0.01, ...apart.map(({ jaccard }) => jaccard || 0));
  const head = make("tr", null);
  head.append(make("th", "shared units", { scope: "col" }), ...names.map((name) => {
    const cell = make("th", null, { scope: "col" });
    cell.append(make("span", name));
    return cell;
  }));
  const rows = names.map((name, a) => {
    const row = make("tr", null);
    row.append(make("th", name, { scope: "row" }), ...names.map((other, b) => {
      const { shared, jaccard } = found[a][b];
      const cell = make("td", shared.length, { tabIndex: -1 });
      cell.setAttribute("role", "gridcell");
      cell.setAttribute("aria-label", a === b
        ? `${name}: ${plural(shared.length, "unit")}`
        : `${name} and ${other}: ${plural(shared.length, "unit")} shared`);
      const [paper, ink] = a === b ? ["transparent", "inherit"] : shade((jaccard || 0) / most);
      cell.style.background = paper;
      cell.style.color = ink;
      cell.addEventListener("pointerenter", (event) => event.pointerType !== "touch" && point(a, b));
      cell.addEventListener("click", () => { point(a, b); cell.focus(); });
      cell.addEventListener("focus", () => point(a, b));
      return cell;
    }));
    return row;
  });
  part("head").replaceChildren(head);
  part("rows").replaceChildren(...rows);
  part("most").textContent = most.toFixed(2);
  part("scale").style.background =
    `linear-gradient(90deg, ${data.scale.map((rgb) => `rgb(${rgb})`).join(", ")})`;
  part("source").textContent = it.said;
  drawn = { it, all, found };
  point(...at);
};

const cell = (a, b) => part("rows").rows[a]?.cells[b + 1];

const point = (a, b) => {
  const { it, all, found } = drawn, { shared, jaccard } = found[a][b];
  for (const [on, [x, y]] of [[false, at], [true, [a, b]]]) {
    cell(x, y).setAttribute("aria-selected", on);
    cell(x, y).tabIndex = on ? 0 : -1;
    part("rows").rows[x].cells[0].classList.toggle("on", on);
    part("head").rows[0].cells[y + 1].classList.toggle("on", on);
  }
  at = [a, b];
  pair.value = at.join("-");
  const [one, other] = [it.classes[a], it.classes[b]];
  part("said").textContent = a === b
    ? `${one}: ${plural(all[a].size, "unit")} of ${it.units} in its ensemble.`
    : `${one} (${plural(all[a].size, "unit")}) and ${other} (${plural(all[b].size, "unit")}) share ` +
      `${plural(shared.length, "unit")}${Number.isNaN(jaccard) ? "" : `: Jaccard index ${jaccard.toFixed(2)}`}.`;
  part("count").textContent = a === b ? plural(shared.length, "unit") : plural(shared.length, "shared unit");
  part("units").textContent = shared.length ? shared.join(", ") : "none";
  part("one").textContent = `${one} only`;
  part("two").textContent = `${other} only`;
  Object.assign(root.dataset, {
    dataset: it.dataset, model: it.model, layer: layer.selectedIndex + 1,
    rule: data.rules[rule.selectedIndex], first: a, second: b,
    sizes: `${all[a].size} ${all[b].size}`, shared: shared.join(" "),
    jaccard: Number.isNaN(jaccard) ? "nan" : jaccard.toFixed(4),
  });
  draw();
};

const draw = () => {
  if (!drawn || !strip.clientWidth) return;
  const { it, all } = drawn, [one, other] = [all[at[0]], all[at[1]]];
  const [pen, width, height] = sharp(strip, 54);
  const step = width / it.units, wide = Math.max(step, 1);
  range(it.units).forEach((unit) => {
    const a = one.has(unit), b = other.has(unit);
    if (!a && !b) return;
    pen.fillStyle = colour(a && b ? "both" : a ? "own" : "other");
    const [top, tall] = a && b ? [0, height] : a ? [0, height / 3] : [2 * height / 3, height / 3];
    pen.fillRect(unit * step, top, wide, tall);
  });
};

offer(rule, data.rules);
layer.addEventListener("change", show);
rule.addEventListener("change", show);
pair.addEventListener("input", () => {
  const [a, b] = pair.value.split("-").map(Number);
  if (cell(a, b)) point(a, b);
});
const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
grid.addEventListener("keydown", (event) => {
  const last = drawn.it.classes.length - 1, held = (c) => Math.min(Math.max(c, 0), last);
  let [a, b] = at;
  if (moves[event.key]) [a, b] = [held(a + moves[event.key][0]), held(b + moves[event.key][1])];
  else if (event.key === "Home") b = 0;
  else if (event.key === "End") b = last;
  else return;
  event.preventDefault();
  cell(a, b).focus();
});
root.hidden = false;
change();
layer.selectedIndex = data.layer;
show();
keepDrawn(draw);
address(["dataset", "model", "depth", "rule", "pair"]);
