const { classes } = data, SIZE = data.side ** 2, BATCH = 32, EPOCHS = 60, LIT = data.lit;
const labels = bytes(data.labels), levels = bytes(data.images);
// Ten inputs for the label, dark without one, and then the pixels.
const images = Array.from(labels, (_, number) => {
  const image = new Float64Array(classes + SIZE);
  for (let at = 0; at < SIZE; at++)
    image[classes + at] = (levels[number * SIZE + at] / data.white - data.mean) / data.std;
  return image;
});
const train = range(data.train), test = range(labels.length).slice(data.train);
const settings = { rate: () => 10 ** +part("rate").value, theta: () => +part("theta").value,
  redrawn: () => part("redrawn").value / 100 };

let random, ff, bp, wrong, order, at, curve, running = false;

const anew = () => {
  random = randomness(data.seed);
  const layer = (inputs, units) => newLayer(inputs, units, random);
  ff = [layer(classes + SIZE, data.hidden), layer(data.hidden, data.hidden)];
  bp = [layer(classes + SIZE, data.hidden), layer(data.hidden, data.hidden), layer(data.hidden, classes)];
  wrong = train.map((number) => other(labels[number]));
  [order, at, curve] = [shuffled(), 0, []];
  measure();
};
const other = (label) => (label + 1 + Math.floor(random() * (classes - 1))) % classes;
const shuffled = () => {
  const places = [...train];
  for (let last = places.length - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1));
    [places[last], places[chosen]] = [places[chosen], places[last]];
  }
  return places;
};

const step = () => {
  const batch = order.slice(at, at + BATCH), rate = settings.rate();
  const carrying = (label) => batch.map((number) => withLabel(images[number], label(number), classes, LIT));
  stepFF(ff, carrying((n) => labels[n]), carrying((n) => wrong[n]), settings.theta(), rate);
  stepBP(bp, batch.map((n) => images[n]), batch.map((n) => labels[n]), rate);
  at += BATCH;
  if (at < order.length) return;
  wrong = wrong.map((label, number) => (random() < settings.redrawn() ? other(labels[number]) : label));
  [order, at] = [shuffled(), 0];
  measure();
};

const measure = () => {
  const share = (right) => test.filter(right).length / test.length;
  const sparse = (layers) => range(2).map((depth) => {
    const found = test.map((number) => hoyer(layers(number)[depth])).filter((x) => !Number.isNaN(x));
    return found.length ? found.reduce((a, b) => a + b) / found.length : NaN;
  });
  curve.push({
    accuracy: [
      [share((n) => predict(ff, images[n], classes, LIT) === labels[n])],
      [share((n) => { const z = seen(bp, images[n]).at(-1); return z.indexOf(Math.max(...z)) === labels[n]; })],
    ],
    sparseness: [
      sparse((n) => heard(ff, withLabel(images[n], labels[n], classes, LIT))),
      sparse((n) => seen(bp, images[n])),
    ],
  });
  show();
};

const written = (numbers) => numbers.map((x) => (Number.isNaN(x) ? "silent" : x.toFixed(2))).join(", ");
const show = () => {
  const epoch = curve.length - 1, { accuracy, sparseness } = curve[epoch];
  part("said").textContent = `${epoch ? `After ${plural(epoch, "epoch")}` : "Before training"}, ` +
    `Forward-Forward names ${written(accuracy[0])} of the test digits rightly, back-propagation ` +
    `${written(accuracy[1])}. Sparseness of their layers: ${written(sparseness[0])} and ${written(sparseness[1])}.`;
  for (const name of ["accuracy", "sparseness"])
    part(name).setAttribute("aria-label", `${name} by epoch, now ${curve[epoch][name].map(written).join(" and ")}`);
  Object.assign(root.dataset, {
    epoch, ff: accuracy[0], bp: accuracy[1], sparse: sparseness.flat().join(" "), running });
  draw();
};

const draw = () => {
  for (const name of ["accuracy", "sparseness"]) {
    if (!part(name).clientWidth) return;
    const [pen, width, height] = sharp(part(name), 150), scale = width / part(name).clientWidth;
    const x = (epoch) => (epoch + 0.5) / (Math.max(curve.length, 12) + 1) * width, y = (share) => height * (1 - share);
    pen.lineWidth = scale;
    pen.font = `${11 * scale}px sans-serif`;
    pen.strokeStyle = colour("line");
    pen.fillStyle = colour("ink");
    for (const share of [0.25, 0.5, 0.75]) {
      pen.strokeRect(0, y(share), width, 0);
      pen.fillText(share, 3 * scale, y(share) - 3 * scale);
    }
    pen.lineWidth = 2 * scale;
    ["own", "other"].forEach((kind, model) => curve[0][name][model].forEach((_, depth) => {
      pen.strokeStyle = colour(kind);
      pen.setLineDash(depth ? [4 * scale, 3 * scale] : []);
      pen.beginPath();
      curve.forEach((point, epoch) => pen.lineTo(x(epoch), y(point[name][model][depth] || 0)));
      pen.stroke();
    }));
  }
};

const go = (on) => {
  running = on && curve.length <= EPOCHS;
  part("run").textContent = running ? "Stop" : "Train";
  root.dataset.running = running;
};
const work = () => {
  const until = performance.now() + 25; // and then the page may draw
  while (running && performance.now() < until) step();
  go(running);
  if (running) requestAnimationFrame(work);
};
part("run").addEventListener("click", () => {
  if (curve.length > EPOCHS) anew();
  go(!running);
  if (running) requestAnimationFrame(work);
});
part("anew").addEventListener("click", () => { go(false); anew(); });
const named = () => {
  part("rate-now").textContent = settings.rate().toPrecision(1);
  part("theta-now").textContent = settings.theta().toFixed(1);
  part("redrawn-now").textContent = `${part("redrawn").value} %`;
};
for (const name of ["rate", "theta", "redrawn"]) part(name).addEventListener("input", named);
part("source").textContent = data.said;
root.hidden = false;
named();
anew();
keepDrawn(draw);
