const slider = part("moment"), button = part("start"), said = part("said");
const canvases = [...root.querySelectorAll(".layer canvas")];
const packed = bytes(data.members);
const member = (moment, depth, label, unit) =>
  bit(packed, (moment * canvases.length + depth) * data.classes + label, data.units, unit);
const rgba = (name) => {
  const hex = parseInt(colour(name).slice(1), 16);
  return [hex >> 16, (hex >> 8) & 255, hex & 255, 255];
};

const draw = () => {
  const moment = +slider.value, last = data.said.length - 1, sizes = [];
  // Not a member, one at the end only, one now only, one now and at the end.
  const colours = [[0, 0, 0, 0], rgba("later"), rgba("leaving"), rgba("own")];
  canvases.forEach((canvas, depth) => {
    const pen = canvas.getContext("2d"), image = pen.createImageData(data.units, data.classes);
    let size = 0;
    for (let label = 0, at = 0; label < data.classes; label++)
      for (let unit = 0; unit < data.units; unit++, at += 4) {
        const now = member(moment, depth, label, unit);
        size += now;
        image.data.set(colours[2 * now + member(last, depth, label, unit)], at);
      }
    pen.putImageData(image, 0, 0);
    sizes.push(size);
  });
  said.textContent = data.said[moment];
  slider.setAttribute("aria-valuetext", data.said[moment]);
  Object.assign(root.dataset, { moment, sizes: sizes.join(" ") });
};

let timer = null;
const stop = () => { clearInterval(timer); timer = null; button.textContent = "Play"; };
button.addEventListener("click", () => {
  if (timer) return stop();
  if (slider.value === slider.max) slider.value = 0;
  button.textContent = "Stop";
  timer = setInterval(() => {
    if (slider.value === slider.max) return stop();
    slider.value = +slider.value + 1;
    draw();
  }, 400);
});
slider.addEventListener("input", () => { stop(); draw(); });
root.hidden = false;
draw();
keepDrawn(draw);
