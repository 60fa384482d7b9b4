// Results, and how they are shown. Whatever comes from outside, such as names, becomes text and never HTML.

const DATA = JSON.parse(document.getElementById("data").textContent);
const MOST_BARS = 10;
const THUMBNAIL = 160; // pixels of the longer side

const element = (id) => document.getElementById(id);
const limit = () => Number(element("limit").value) / 100;

/** Why a picture is not used: a sentence for people. */
class PictureError extends Error {}

const state = {
  model: null, // {classes, height, width, channels, drawing, about}; null: it is being loaded
  ready: null, // the promise of the model
  results: [], // {name, file, model, shown, seen, size, probabilities, error, note, row}
  selected: null,
};

/** Return a share in percent; only what is certain has 100 %. */
function percent(share) {
  const text = (100 * share).toFixed(1);
  if (text === "100.0" && share < 1) return "> 99.9%";
  return text === "0.0" && share > 0 ? "< 0.1%" : `${text}%`;
}

/** Return a new element with a text. */
function made(tag, className, text = "") {
  const node = document.createElement(tag);
  node.className = className;
  node.textContent = text;
  return node;
}

/** Return an element that keeps a name's direction of writing to itself. */
function name(text) {
  return made("bdi", "", text);
}

/** Paint a picture onto a canvas; small ones keep their squares. */
function paint(canvas, { width, height, data }) {
  Object.assign(canvas, { width, height });
  canvas.classList.toggle("coarse", Math.max(width, height) < 100);
  canvas.getContext("2d").putImageData(imageOf({ width, height, data }), 0, 0);
}

/** Return what a canvas takes, of a picture with three bytes a pixel. */
function imageOf({ width, height, data }) {
  const image = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    image.data.set(data.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
    image.data[4 * pixel + 3] = 255;
  }
  return image;
}

/** Return the result of a file, still without an answer. */
function emptyResult(file) {
  return { name: file.name || "pasted picture", file, model: state.model, probabilities: null, error: "", note: "" };
}

/** Return what to tell people about an error. */
function wordsOf(error, unknown) {
  if (error instanceof PictureError) return error.message;
  if (["NotFoundError", "NotReadableError"].includes(error.name)) return "It cannot be read: it was moved or changed, or is a folder.";
  console.error(error);
  return unknown;
}

function megabytes(count) {
  return `${(count / 1e6).toLocaleString("en", { maximumFractionDigits: 1 })} MB`;
}

/** Return [width, height] of a picture's small version. */
function thumbnailSize({ width, height }) {
  const scale = Math.min(1, THUMBNAIL / Math.max(width, height));
  return [width, height].map((side) => Math.max(1, Math.round(scale * side)));
}

/** Return one sentence about a result, for screen readers. */
function sentence(result) {
  if (result.error) return `${result.name}: ${result.error}`;
  const best = likeliest(result.probabilities), share = result.probabilities[best];
  const unsure = share < limit() ? "Unsure, perhaps " : "";
  return `${unsure}${result.model.classes[best]}, ${percent(share)}. ${result.note}`;
}

let saying = 0;
/** Have screen readers say something, once it has not changed for a moment. */
function say(text) {
  clearTimeout(saying);
  element("status").textContent = ""; // otherwise the same sentence is not said twice
  saying = setTimeout(() => { element("status").textContent = text; }, 400);
}

/** Show a result as the large one. */
function select(result) {
  state.selected = result;
  for (const { row } of state.results) row?.querySelector("button").setAttribute("aria-current", String(row === result?.row));
  show();
}

function show() {
  const result = state.selected;
  element("answer").hidden = !result?.probabilities;
  element("waiting").hidden = Boolean(result?.probabilities);
  if (!result) {
    element("waiting").textContent = "The result appears here.";
    return;
  }
  if (result.error) {
    element("waiting").replaceChildren(name(result.name), `: ${result.error}`);
    return;
  }
  const best = likeliest(result.probabilities), share = result.probabilities[best];
  const unsure = share < limit();
  element("answer").classList.toggle("is-unsure", unsure);
  const { classes } = result.model;
  element("verdict").textContent = classes[best];
  element("verdict").parentElement.classList.toggle("short", [...classes[best]].length < 3);
  element("verdict-share").replaceChildren(...(unsure ? [made("span", "tag", "unsure"), " perhaps, "] : []), percent(share));
  if (result.shown) paint(element("shown"), result.shown);
  element("shown-figure").hidden = !result.shown;
  if (result.seen) paint(element("seen"), result.seen);
  element("seen-figure").hidden = !result.seen;
  const size = result.size ? `, ${result.size[0]} × ${result.size[1]} pixels` : "";
  element("file").replaceChildren(...(result.row ? [name(result.name), size] : []));
  element("note").textContent = result.note;
  element("note").hidden = !result.note;
  showBars(result, best);
}

/** Return the bars' [name, share, is the first]: up to ten classes in their order, else the ten likeliest. */
function barsOf({ probabilities, model: { classes } }, best) {
  const order = probabilities.map((_, at) => at);
  const bar = (at) => [classes[at], probabilities[at], at === best];
  if (order.length <= MOST_BARS) return order.map(bar);
  order.sort((one, other) => probabilities[other] - probabilities[one] || one - other);
  const rest = order.slice(MOST_BARS);
  const sum = rest.reduce((total, at) => total + probabilities[at], 0);
  return [...order.slice(0, MOST_BARS).map(bar), [`${rest.length} others`, sum, false]];
}

function showBars(result, best) {
  const bars = element("bars"), wanted = barsOf(result, best);
  bars.classList.toggle("wide", wanted.some(([text]) => [...text].length > 2));
  while (bars.children.length < wanted.length) {
    const item = made("li", "");
    const track = made("span", "track");
    track.append(made("span", "fill"));
    item.append(made("bdi", "name"), track, made("span", "share"));
    bars.append(item);
  }
  while (bars.children.length > wanted.length) bars.lastChild.remove();
  for (const [number, [text, share, first]] of wanted.entries()) {
    const item = bars.children[number];
    item.classList.toggle("first", first);
    item.querySelector(".name").textContent = text;
    item.querySelector(".fill").style.width = `${100 * share}%`;
    item.querySelector(".share").textContent = percent(share);
  }
}

function addRow(result) {
  const row = made("tr", ""), head = made("th", ""), button = made("button", "row-button");
  head.scope = "row";
  button.type = "button";
  if (result.shown) {
    const canvas = made("canvas", "");
    canvas.setAttribute("aria-hidden", "true");
    paint(canvas, result.shown);
    button.append(canvas);
  }
  const label = made("span", "");
  label.append(name(result.name));
  button.append(label);
  button.addEventListener("click", () => {
    select(result);
    say(sentence(result));
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    element("result").scrollIntoView({ block: "nearest", behavior: still ? "instant" : "smooth" });
  });
  head.append(button);
  row.append(head);
  result.row = row;
  fillRow(result);
  element("rows").append(row);
}

function fillRow({ row, model, probabilities, error, note }) {
  while (row.children.length > 1) row.lastChild.remove();
  if (error) {
    const cell = made("td", "wrong", error);
    cell.colSpan = 2;
    row.append(cell);
    return;
  }
  const best = likeliest(probabilities), cell = made("td", "");
  cell.append(name(model.classes[best]));
  if (probabilities[best] < limit()) cell.append(" ", made("span", "tag", "unsure"));
  if (note) cell.append(made("span", "hint", note));
  row.append(cell, made("td", "number", percent(probabilities[best])));
}

/** Bring the line above the table up to date, and show the table from two pictures on. */
function count() {
  const { results } = state;
  const failed = results.filter(({ error }) => error).length;
  const unsure = results.filter(({ probabilities }) => probabilities && Math.max(...probabilities) < limit()).length;
  const parts = [`${results.length} pictures`];
  if (unsure) parts.push(`${unsure} unsure`);
  if (failed) parts.push(`${failed} without a result`);
  element("summary").textContent = parts.join(", ");
  element("several").hidden = results.length < 2;
}
