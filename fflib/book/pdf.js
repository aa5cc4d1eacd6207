// Printing knows no scroll bars: what is too wide becomes as much smaller as it takes.
function fit() {
  const page = document.querySelector("article").clientWidth;
  for (const wide of document.querySelectorAll("table, .math, svg, pre")) {
    const width = Math.max(wide.scrollWidth, wide.getBoundingClientRect().width);
    if (width > page + 1) wide.style.zoom = page / width;
  }
}

// Page numbers are known once the book is printed: the table of contents is then printed again with
// nothing but them in sight, and laid over the first. Gives depth, place and text of the entries.
function number(numbers) {
  const contents = document.querySelector(".book-contents"), style = document.createElement("style");
  while (contents.nextSibling) contents.nextSibling.remove();
  style.textContent = "html, body { background: none !important; visibility: hidden } [data-page] { visibility: visible }" +
    "@page { @bottom-center { content: none } }";
  document.head.append(style);
  return [...contents.querySelectorAll("[data-page]")].map((place) => {
    place.textContent = numbers[place.dataset.page] ?? "";
    const text = place.parentElement.querySelector("a").textContent.trim().replace(/\s+/g, " ");
    return [Number(place.parentElement.dataset.depth), place.dataset.page, text];
  });
}
