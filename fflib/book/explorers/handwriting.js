// The network: dense layers of ReLU units, weights of eight bits, the goodness of a layer its length.
const SIDE = 28, BOX = 20, BLACK = new Uint8Array(SIDE * SIDE);
const { classes, units } = data, NONE = classes, labels = range(classes + 1);
const floats = (text) => new Float32Array(bytes(text).buffer);
const layers = data.layers.map((of) => ({
  ...of, weights: new Int8Array(bytes(of.weights).buffer), scales: floats(of.scales),
  biases: floats(of.biases), members: bytes(of.members),
}));
const images = bytes(data.images);
const member = (layer, label, unit) => label < classes && bit(layer.members, label, units, unit);
for (const layer of layers)
  layer.sizes = range(classes).map((c) => range(units).filter((unit) => member(layer, c, unit)).length);
const highest = (values) => values.indexOf(Math.max(...values));

const product = ({ weights, scales }, input) => {
  const active = range(input.length).filter((at) => input[at]); // few are, in the upper layers
  return Float64Array.from(scales, (scale, unit) => {
    let sum = 0;
    for (const at of active) sum += weights[unit * input.length + at] * input[at];
    return scale * sum;
  });
};

// Activations of every layer under every label, the last being none. What the image brings to the first
// layer is the same under all of them.
const respond = (grey) => {
  const [first, ...above] = layers;
  const dark = Float64Array.from(grey, (g, at) => at < classes ? 0 : (g / 255 - data.mean) / data.std);
  const image = product(first, dark), square = length(dark) ** 2;
  return labels.map((label) => {
    const lit = label === NONE ? 0 : data.lit, norm = Math.sqrt(square + lit * lit);
    const hidden = [image.map((shared, unit) => {
      const weight = first.scales[unit] * first.weights[unit * grey.length + label];
      return Math.max(0, (shared + weight * lit) / norm + first.biases[unit]);
    })];
    for (const layer of above) {
      const below = hidden.at(-1), norm = length(below) || 1;
      hidden.push(product(layer, below).map((z, unit) => Math.max(0, z / norm + layer.biases[unit])));
    }
    return hidden;
  });
};

// The class whose ensemble is most like the most active tenth of the units, by the Jaccard index.
const decode = (layer, hidden) => {
  const sorted = Float64Array.from(hidden).sort(), place = 0.9 * (units - 1), low = Math.floor(place);
  const bound = sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
  const active = range(units).filter((unit) => hidden[unit] > 0 && hidden[unit] >= bound);
  const alike = range(classes).map((label) => {
    const shared = active.filter((unit) => member(layer, label, unit)).length;
    return shared / (active.length + layer.sizes[label] - shared) || 0;
  });
  return { label: highest(alike), index: Math.max(...alike), active: active.length };
};

// Ink as MNIST has it: its box becomes 20 pixels long, each the mean of what it covers, and the centre of
// its mass is moved to the middle of the image by whole pixels.
const cover = (whole, parts) => range(parts).map((part) => {
  const from = part * whole / parts, to = Math.min(whole, (part + 1) * whole / parts), first = Math.floor(from);
  return range(Math.ceil(to) - first).map((k) =>
    [first + k, (Math.min(to, first + k + 1) - Math.max(from, first + k)) * parts / whole]);
});
const scaled = (lines, parts) => cover(lines.length, parts).map((of) =>
  lines[0].map((_, x) => of.reduce((sum, [at, share]) => sum + share * lines[at][x], 0)));
const turned = (lines) => lines[0].map((_, x) => lines.map((line) => line[x]));

const centred = (ink, side) => {
  let top = side, bottom = -1, left = side, right = -1;
  ink.forEach((level, at) => {
    if (!level) return;
    const x = at % side, y = (at - x) / side;
    [top, bottom] = [Math.min(top, y), y];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
  });
  if (bottom < 0) return BLACK;
  const box = range(bottom - top + 1).map((y) =>
    Array.from(ink.subarray((top + y) * side + left, (top + y) * side + right + 1)));
  const sizes = [box.length, box[0].length], scale = BOX / Math.max(...sizes);
  const [high, wide] = sizes.map((size) => Math.max(1, Math.round(size * scale)));
  const small = turned(scaled(turned(scaled(box, high)), wide));
  let mass = 0, down = 0, across = 0;
  small.forEach((row, y) => row.forEach((m, x) => { mass += m; down += m * y; across += m * x; }));
  const dy = Math.round(SIDE / 2 - down / mass), dx = Math.round(SIDE / 2 - across / mass);
  const image = new Uint8Array(SIDE * SIDE);
  small.forEach((row, y) => row.forEach((m, x) => {
    const [Y, X] = [y + dy, x + dx];
    if (Math.min(X, Y) >= 0 && Math.max(X, Y) < SIDE) image[Y * SIDE + X] = Math.round(m);
  }));
  return image;
};

// What the reader has chosen, and what the network makes of it.
let grey = BLACK, known = null, digit = null, erased = false, lit = NONE, thought = null;

const think = () => {
  const shown = erased ? BLACK : grey, hidden = respond(shown);
  const goodness = layers.map((_, depth) => hidden.map((of) => length(of[depth])));
  const shares = goodness.map((of) => softmax(of.slice(0, classes)));
  const together = range(classes).map((label) => shares.reduce((sum, of) => sum + of[label], 0));
  thought = { shown, hidden, goodness, answer: highest(together), ink: shown.some(Boolean) };
};

const taken = (as = null) => {
  const { data: colours } = brush.getImageData(0, 0, pad.width, pad.height);
  grey = centred(new Uint8Array(pad.width * pad.height).map((_, at) => colours[4 * at]), pad.width);
  [known, erased] = [as, false];
  think();
  digit = thought.ink ? known ?? thought.answer : null;
  lit = digit ?? NONE;
  show();
};

const written = (numbers) => numbers.map((number) => number.toFixed(1)).join(", ");
const under = (label) => written(thought.goodness.map((of) => of[label]));

const show = () => {
  const { shown, hidden, goodness, answer, ink } = thought, image = ink ? digit : null;
  const label = lit === NONE ? null : lit, kind = (c) =>
    c === image ? c === label ? "both" : "own" : c === label ? "other" : "rest";
  part("answer").textContent = ink ? `It says ${answer}` : grey === BLACK ? "Draw a digit" : "No image";
  part("said").textContent = [
    ink && known !== null && known !== answer ? `It is a ${known}.` : "",
    label === null ? "No label is lit." : !ink ? `Only the label ${label} is lit.`
      : label === image ? `Its own label, ${label}, is lit.` : `A wrong label, ${label}, is lit.`,
    `Goodness of the layers: ${under(lit)}` +
      (ink && label !== image ? `; under its own label ${under(image)}.` : "."),
  ].join(" ");
  const reads = layers.map((layer, depth) => decode(layer, hidden[lit][depth]));
  const whose = { both: "image and label", own: "the image", other: "the label", rest: "neither" };
  layers.forEach((layer, depth) => {
    const { label: read, index, active } = reads[depth];
    rows[depth].reads.textContent = active
      ? `most like the ensemble of ${read}: ${whose[kind(read)]} (Jaccard index ${index.toFixed(2)})`
      : "silent";
    rows[depth].bars.forEach((bar, c) => {
      bar.className = `bar ${c === NONE ? "rest" : kind(c)}`;
      bar.classList.toggle("best", c === highest(goodness[depth].slice(0, classes)));
      bar.style.height = `${100 * Math.min(1, goodness[depth][c] / data.usual)}%`;
    });
    rows[depth].chart.setAttribute("aria-label", `Goodness of layer ${depth + 1}: ` + labels.map((c) =>
      `${goodness[depth][c].toFixed(1)} ${c === NONE ? "without a label" : `under ${c}`}`).join(", "));
  });
  radios.forEach((radio, c) => { radio.checked = c === lit; });
  samples.forEach((button, c) => button.setAttribute("aria-pressed", c === known));
  part("erase").setAttribute("aria-pressed", erased);
  for (const name of ["right", "wrong", "erase"]) part(name).disabled = digit === null;
  paint(part("seen").getContext("2d"), 1, shown.map((g, at) =>
    at >= classes ? g : at === lit ? 255 : Math.round(255 * data.mean)));
  part("seen").setAttribute("aria-label", `${ink ? "The image" : "Black"} with ` +
    (label === null ? "no label" : `the label ${label}`));
  Object.assign(root.dataset, {
    answer, lit, erased, digit: digit ?? "", reads: reads.map((of) => of.label).join(" "),
    kinds: reads.map((of) => kind(of.label)).join(" "), goodness: JSON.stringify(goodness),
  });
  draw();
};

const draw = () => {
  const image = thought.ink ? digit : NONE;
  const colours = ["rest", "other", "own", "both"].map(colour);
  layers.forEach((layer, depth) => {
    const { cells } = rows[depth], hidden = thought.hidden[lit][depth];
    if (!cells.clientWidth) return;
    const wide = cells.clientWidth / labels.length, across = Math.max(3, Math.floor((wide - 4) / 10));
    const step = Math.floor((wide - 3) / across);
    const most = Math.max(...layer.groups.map((group) => Math.ceil(group.length / across)));
    const [pen, width] = sharp(cells, most * step + 1);
    pen.scale(width / cells.clientWidth, width / cells.clientWidth);
    layer.groups.forEach((group, c) => group.forEach((unit, at) => {
      const of = 2 * member(layer, image, unit) + member(layer, lit, unit);
      pen.fillStyle = colours[of];
      pen.globalAlpha = (of ? 0.2 : 0.1) + (of ? 0.8 : 0.9) * Math.min(1, hidden[unit] / layer.usual);
      pen.fillRect(c * wide + 1 + at % across * step, Math.floor(at / across) * step, step - 1, step - 1);
    }));
  });
};

const paint = (pen, size, image) => image.forEach((g, at) => {
  pen.fillStyle = `rgb(${g}, ${g}, ${g})`;
  pen.fillRect(at % SIDE * size, Math.floor(at / SIDE) * size, size, size);
});

// The parts of the panel that there is one of for each layer, label or image.
const rows = layers.map((_, depth) => {
  const reads = make("span", null, { className: "note" });
  const chart = make("div", null, { className: "columns bars" }), cells = make("canvas", null, { className: "cells" });
  const bars = labels.map(() => make("span", null, { className: "bar" }));
  chart.setAttribute("role", "img");
  chart.style.setProperty("--theta", `${100 * data.theta / data.usual}%`);
  bars.forEach((bar) => { const column = make("span", null); column.append(bar); chart.append(column); });
  cells.setAttribute("role", "img");
  cells.setAttribute("aria-label", `The units of layer ${depth + 1}, as active as they are bright`);
  const line = make("p", null);
  line.append(make("strong", `Layer ${depth + 1} `), reads);
  part("layers").append(line, chart, cells);
  return { reads, chart, bars, cells };
});
const radios = labels.map((c) => {
  const radio = make("input", null, { type: "radio", name: `${root.id}-lit`, value: c });
  const choice = make("label", null);
  choice.append(radio, c === NONE ? "off" : c);
  radio.addEventListener("change", () => { lit = c; show(); });
  part("lit").append(choice);
  return radio;
});
const samples = range(classes).map((c) => {
  const button = make("button", null, { type: "button" });
  const canvas = make("canvas", null, { width: SIDE, height: SIDE });
  const image = images.subarray(c * SIDE * SIDE, (c + 1) * SIDE * SIDE);
  paint(canvas.getContext("2d"), 1, image);
  button.append(canvas);
  button.setAttribute("aria-label", `Test image ${data.numbers[c]}, a ${c}`);
  button.addEventListener("click", () => { paint(brush, pad.width / SIDE, image); taken(c); });
  part("samples").append(button);
  return button;
});
root.style.setProperty("--labels", labels.length);

// The pen, moved by pointer or by keys.
const pad = part("pad"), brush = pad.getContext("2d", { willReadFrequently: true });
const PEN = 26, STEP = 14, moves = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };
let nib = [pad.width / 2, pad.height / 2], down = false, waiting = false;

const stroke = (to) => {
  Object.assign(brush, { strokeStyle: "#fff", lineWidth: PEN, lineCap: "round" });
  brush.beginPath();
  brush.moveTo(...nib);
  brush.lineTo(to[0] + 0.01, to[1]); // a line of no length has no ends
  brush.stroke();
};
const fresh = () => { brush.fillStyle = "#000"; brush.fillRect(0, 0, pad.width, pad.height); taken(); };
const soon = () => {
  if (waiting) return;
  waiting = true;
  requestAnimationFrame(() => { waiting = false; taken(); });
};
const place = (event) => [event.offsetX, event.offsetY].map((x) => x * pad.width / pad.clientWidth);

pad.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary) return;
  pad.setPointerCapture(event.pointerId);
  [nib, down] = [place(event), true];
  stroke(nib);
  soon();
});
pad.addEventListener("pointermove", (event) => {
  if (!event.isPrimary || !pad.hasPointerCapture(event.pointerId)) return;
  const to = place(event);
  stroke(to);
  nib = to;
  soon();
});
for (const end of ["pointerup", "pointercancel"])
  pad.addEventListener(end, () => { down = false; taken(); });
pad.addEventListener("keydown", (event) => {
  const move = moves[event.key];
  if (move) {
    const to = nib.map((x, axis) => Math.min(Math.max(x + STEP * move[axis], 0), pad.width));
    if (down) { stroke(to); soon(); }
    nib = to;
  } else if (event.key === " ") {
    down = !down;
    if (down) { stroke(nib); soon(); }
  } else if (["Delete", "Backspace"].includes(event.key)) fresh();
  else return;
  event.preventDefault();
  const [left, top] = nib.map((x) => `${100 * x / pad.width}%`);
  Object.assign(part("nib").style, { left, top });
  part("nib").classList.toggle("down", down);
  part("pen").textContent = `The pen is ${down ? "down" : "up"}: arrow keys move it, space ${down ? "lifts it" : "puts it down"}.`;
});
part("fresh").addEventListener("click", fresh);
part("right").addEventListener("click", () => { lit = digit; show(); });
part("off").addEventListener("click", () => { lit = NONE; show(); });
part("wrong").addEventListener("click", () => { // each time another
  const step = lit === NONE || lit === digit ? 4 : (lit - digit + classes) % classes % (classes - 1) + 1;
  lit = (digit + step) % classes;
  show();
});
part("erase").addEventListener("click", () => { erased = !erased; think(); show(); });
part("source").textContent = data.said;
root.hidden = false;
samples[7].click();
keepDrawn(draw);
