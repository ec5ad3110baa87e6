/** Save what is shown: pictures are made here; tables and evidence come from the server, which guards against formulas. */

import { request } from "./api.js";
import { saveFile } from "./dom.js";

const PROPERTIES = [
  "fill",
  "fill-opacity",
  "stroke",
  "stroke-width",
  "stroke-opacity",
  "stroke-dasharray",
  "stroke-linecap",
  "paint-order",
  "font-size",
  "font-weight",
  "font-family",
  "text-anchor",
  "opacity",
  "display",
];
const MARGIN = 16;
const SCALE = 2; // pixels of the PNG per unit

/** Save the graph as SVG or PNG under a name; return the name of the file. */
export async function savePicture(view, name, form) {
  const { text, width, height } = standalone(view);
  const file = `${name}.${form}`;
  saveFile(file, form === "svg" ? text : await rasterized(text, width, height), "image/svg+xml");
  return file;
}

/** Return the graph as an SVG file that needs no style sheet. */
function standalone(view) {
  const { left, top, right, bottom } = view.bounds();
  const [width, height] = [right - left + 2 * MARGIN, bottom - top + 2 * MARGIN].map(Math.ceil);
  const copy = view.canvas.cloneNode(true);
  const originals = view.canvas.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((element, index) => {
    const style = getComputedStyle(originals[index]);
    for (const name of PROPERTIES) element.setAttribute(name, style.getPropertyValue(name));
    for (const name of ["class", "tabindex", "role", "aria-label"]) element.removeAttribute(name);
  });
  copy.querySelector("[aria-hidden]")?.remove();
  copy.firstElementChild.removeAttribute("transform");
  copy.removeAttribute("class");
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("viewBox", `${left - MARGIN} ${top - MARGIN} ${width} ${height}`);
  copy.setAttribute("width", width);
  copy.setAttribute("height", height);
  const paper = document.createElementNS(copy.namespaceURI, "rect");
  const place = {
    x: left - MARGIN,
    y: top - MARGIN,
    width,
    height,
    fill: getComputedStyle(document.body).backgroundColor,
  };
  for (const [key, value] of Object.entries(place)) paper.setAttribute(key, value);
  copy.prepend(paper);
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

async function rasterized(text, width, height) {
  const url = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width * SCALE, height * SCALE];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Save edges as CSV or as JSON of Cytoscape; return the name of the file. */
export async function saveEdges(edges, name, form) {
  return saveAnswer({ format: form, edges }, `${name}.${form}`);
}

/** Save all evidence of an edge as TSV; return the name of the file. */
export async function saveEvidence(edge) {
  return saveAnswer({ format: "tsv", edge }, `suwen-${edge}.tsv`);
}

async function saveAnswer(body, file) {
  const answer = await request("export", { body });
  saveFile(file, await answer.blob());
  return file;
}
