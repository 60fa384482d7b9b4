// Results, and how they are shown. Whatever comes from outside, such as names, becomes text and never HTML.

const DATA = JSON.parse(document.getElementById("data").textContent);
const THUMBNAIL = 160; // pixels of the longer side

const element = (id) => document.getElementById(id);
const limit = () => state.limit;

/** Why a picture is not used: a sentence for people. */
class PictureError extends Error {}

const state = {
  model: null, // {classes or alphabet, height, width, channels, drawing, about}; null: it is being loaded
  ready: null, // the promise of the model
  results: [], // {name, file, model, shown, seen, size, probabilities or reading, error, note, row}
  selected: null,
  limit: 0.5, // below this probability, an answer is unsure
  limitChosen: false, // by somebody
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
  return { name: file.name || "pasted picture", file, model: state.model, probabilities: null, reading: null, error: "", note: "" };
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
  const { text, share } = answerOf(result);
  const unsure = share < limit() ? "Unsure, perhaps " : "";
  return `${unsure}${text}, ${percent(share)}. ${result.note}`;
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
  const answer = result && answerOf(result);
  element("answer").hidden = !answer;
  element("waiting").hidden = Boolean(answer);
  if (!result) {
    element("waiting").textContent = "The result appears here.";
    return;
  }
  if (result.error) {
    element("waiting").replaceChildren(name(result.name), `: ${result.error}`);
    return;
  }
  const { text, share } = answer;
  const unsure = share < limit();
  element("answer").classList.toggle("is-unsure", unsure);
  element("verdict").textContent = text;
  element("verdict").parentElement.classList.toggle("short", [...text].length < 3);
  element("verdict-share").replaceChildren(...(unsure ? [made("span", "tag", "unsure"), " perhaps, "] : []), percent(share));
  if (result.shown) paint(element("shown"), result.shown);
  element("shown-figure").hidden = !result.shown;
  if (result.seen) paint(element("seen"), result.seen);
  element("seen-figure").hidden = !result.seen;
  const size = result.size ? `, ${result.size[0]} × ${result.size[1]} pixels` : "";
  element("file").replaceChildren(...(result.row ? [name(result.name), size] : []));
  element("note").textContent = result.note;
  element("note").hidden = !result.note;
  showBars(result);
}

function showBars(result) {
  const bars = element("bars"), wanted = barsOf(result);
  bars.ariaLabel = isReader(result.model) ? "Probability of the length and of each symbol" : "Probability of each class";
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

function fillRow(result) {
  const { row, error, note } = result;
  while (row.children.length > 1) row.lastChild.remove();
  if (error) {
    const cell = made("td", "wrong", error);
    cell.colSpan = 2;
    row.append(cell);
    return;
  }
  const { text, share } = answerOf(result), cell = made("td", "");
  cell.append(name(text));
  if (share < limit()) cell.append(" ", made("span", "tag", "unsure"));
  if (note) cell.append(made("span", "hint", note));
  row.append(cell, made("td", "number", percent(share)));
}

/** Bring the line above the table up to date, and show the table from two pictures on. */
function count() {
  const { results } = state;
  const failed = results.filter(({ error }) => error).length;
  const unsure = results.filter((result) => answerOf(result)?.share < limit()).length;
  const parts = [`${results.length} pictures`];
  if (unsure) parts.push(`${unsure} unsure`);
  if (failed) parts.push(`${failed} without a result`);
  element("summary").textContent = parts.join(", ");
  element("several").hidden = results.length < 2;
}
