// Forward-Forward and back-propagation with the equations of fflib/training/plain.py, a step at a time. A
// layer is a row for each unit, its weights and then its bias; examples are vectors.
const length = (x) => Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const unit = (x) => { const norm = Math.max(length(x), 1e-12); return x.map((value) => value / norm); };

const newLayer = (inputs, units, random) => { // drawn as torch draws it
  const values = Float64Array.from({ length: units * (inputs + 1) }, () => (2 * random() - 1) / Math.sqrt(inputs));
  return { inputs, units, values, steps: 0, first: values.map(() => 0), second: values.map(() => 0) };
};

const linear = ({ inputs, units, values }, x) => {
  const z = new Float64Array(units);
  for (let row = 0, at = 0; row < units; row++, at++) {
    let sum = 0;
    for (let i = 0; i < inputs; i++, at++) sum += values[at] * x[i];
    z[row] = sum + values[at];
  }
  return z;
};
const relu = (z) => z.map((value) => Math.max(0, value));
const activate = (layer, x) => relu(linear(layer, unit(x)));

// What an example adds to a gradient: the derivative of the loss by each unit's input, times the unit's inputs.
const collect = ({ inputs, units }, gradient, dz, x) => {
  for (let row = 0; row < units; row++) {
    if (!dz[row]) continue;
    const at = row * (inputs + 1);
    for (let i = 0; i < inputs; i++) gradient[at + i] += dz[row] * x[i];
    gradient[at + inputs] += dz[row];
  }
};

// A step of Adam.
const descend = (layer, gradient, rate) => {
  const { values, first, second } = layer, steps = ++layer.steps;
  const [one, two] = [1 - 0.9 ** steps, 1 - 0.999 ** steps];
  for (let at = 0; at < values.length; at++) {
    first[at] += 0.1 * (gradient[at] - first[at]);
    second[at] += 0.001 * (gradient[at] ** 2 - second[at]);
    values[at] -= rate * first[at] / one / (Math.sqrt(second[at] / two) + 1e-8);
  }
};

// A step of every layer down its own loss, on what the layers below say; the mean goodness by layer and sign.
const stepFF = (layers, positive, negative, theta, rate) => layers.map((layer) => {
  const gradient = layer.values.map(() => 0), means = [0, 0];
  [positive, negative] = [positive, negative].map((batch, wrong) => batch.map((x) => {
    const direction = unit(x), h = relu(linear(layer, direction)), goodness = length(h);
    const pull = (wrong ? sigmoid(goodness - theta) : -sigmoid(theta - goodness)) / 2 / batch.length;
    collect(layer, gradient, h.map((value) => goodness && pull * value / goodness), direction);
    means[wrong] += goodness / batch.length;
    return h;
  }));
  descend(layer, gradient, rate);
  return means;
});

// A step of a usual network down the cross-entropy of the true labels.
const stepBP = (layers, images, labels, rate) => {
  const gradients = layers.map(({ values }) => values.map(() => 0));
  images.forEach((image, example) => {
    const hidden = seen(layers, image), p = softmax(hidden.at(-1));
    let dz = p.map((share, label) => (share - (label === labels[example])) / images.length);
    for (let depth = layers.length - 1; depth >= 0; depth--) {
      const x = depth ? hidden[depth - 1] : image, { inputs, units, values } = layers[depth];
      collect(layers[depth], gradients[depth], dz, x);
      const below = new Float64Array(inputs);
      if (depth) for (let row = 0; row < units; row++)
        for (let i = 0; i < inputs; i++) if (x[i]) below[i] += dz[row] * values[row * (inputs + 1) + i];
      dz = below;
    }
  });
  layers.forEach((layer, depth) => descend(layer, gradients[depth], rate));
};

const softmax = (z) => {
  const top = Math.max(...z), all = z.map((value) => Math.exp(value - top));
  const sum = all.reduce((a, b) => a + b);
  return all.map((value) => value / sum);
};

// Activations of a usual network, its logits last; and of one that scales the input of every layer.
const seen = (layers, x) => layers.map((layer, depth) => {
  x = linear(layer, x);
  if (depth < layers.length - 1) x = relu(x);
  return x;
});
const heard = (layers, x) => layers.map((layer) => (x = activate(layer, x)));

// The label goes into the first inputs.
const withLabel = (image, label, classes, lit) =>
  image.map((value, at) => (at < classes ? lit * (at === label) : value));

// The label whose goodness, as a share among labels, is largest over the layers together.
const predict = (layers, image, classes, lit) => {
  const together = new Float64Array(classes);
  const goodness = range(classes).map((label) => heard(layers, withLabel(image, label, classes, lit)).map(length));
  layers.forEach((_, depth) =>
    softmax(goodness.map((of) => of[depth])).forEach((share, label) => { together[label] += share; }));
  return together.indexOf(Math.max(...together));
};

const hoyer = (h) => {
  const sum = h.reduce((total, value) => total + value, 0), root = Math.sqrt(h.length);
  return sum ? (root - sum / length(h)) / (root - 1) : NaN;
};

// Random numbers from a seed (mulberry32), so that the same settings train the same network.
const randomness = (seed) => () => {
  seed = (seed + 0x6d2b79f5) | 0;
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
