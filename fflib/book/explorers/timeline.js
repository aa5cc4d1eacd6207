const slider = part("moment"), button = part("start"), speed = part("speed"), loop = part("loop");
const PAUSES = { slow: 900, medium: 400, fast: 120 };  // milliseconds
const runs = [...root.querySelectorAll(".run")].map((panel, at) => ({
  ...data.runs[at],
  packed: bytes(data.runs[at].members),
  canvases: [...panel.querySelectorAll(".layer canvas")],
  text: panel.querySelector(".said"),
}));
const rgba = (name) => {
  const hex = parseInt(colour(name).slice(1), 16);
  return [hex >> 16, (hex >> 8) & 255, hex & 255, 255];
};

// Runs have as many moments as they have snapshots: the slider is a share of each.
const drawRun = ({ said, units, packed, canvases, text }) => {
  const last = said.length - 1, moment = Math.round(slider.value / slider.max * last);
  const member = (when, depth, label, unit) =>
    bit(packed, (when * canvases.length + depth) * data.classes + label, units, unit);
  // Not a member, one at the end only, one now only, one now and at the end.
  const colours = [[0, 0, 0, 0], rgba("later"), rgba("leaving"), rgba("own")];
  text.textContent = said[moment];
  return canvases.map((canvas, depth) => {
    const pen = canvas.getContext("2d"), image = pen.createImageData(units, data.classes);
    let size = 0;
    for (let label = 0, at = 0; label < data.classes; label++)
      for (let unit = 0; unit < units; unit++, at += 4) {
        const now = member(moment, depth, label, unit);
        size += now;
        image.data.set(colours[2 * now + member(last, depth, label, unit)], at);
      }
    pen.putImageData(image, 0, 0);
    return size;
  });
};

const draw = () => {
  const sizes = runs.map(drawRun);
  slider.setAttribute("aria-valuetext", runs[0].text.textContent);
  Object.assign(root.dataset, { moment: slider.value, sizes: sizes.flat().join(" ") });
};

let timer = null;
const stop = () => { clearTimeout(timer); timer = null; button.textContent = "Play"; };
const wait = () => { timer = setTimeout(step, PAUSES[speed.value]); };
const step = () => {
  const end = slider.value === slider.max;
  if (end && !loop.checked) return stop();
  slider.value = end ? 0 : +slider.value + 1;
  draw();
  wait();
};
button.addEventListener("click", () => {
  if (timer) return stop();
  if (slider.value === slider.max) slider.value = 0;
  button.textContent = "Stop";
  wait();
});
slider.addEventListener("input", () => { stop(); draw(); });
root.hidden = false;
draw();
keepDrawn(draw);
address(["moment"]);
