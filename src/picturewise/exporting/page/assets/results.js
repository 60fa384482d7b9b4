// Results: files are classified one after the other, and what came out is shown. Whatever comes from outside, such as
// names, becomes text and never HTML.

const DATA = JSON.parse(document.getElementById("data").textContent);
const MOST_BARS = 10;
const THUMBNAIL = 160; // pixels of the longer side

const element = (id) => document.getElementById(id);
const percent = (share) => `${(100 * share).toFixed(1)}%`;
const limit = () => Number(element("limit").value) / 100;

const state = {
  classify: null, // from a picture of the model's size to its probabilities; null: the model is being loaded
  results: [], // {name, shown, seen, probabilities, error, note, row}
  selected: null,
  waiting: Promise.resolve(), // the work on earlier files
};

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
  const image = new ImageData(width, height);
  for (let pixel = 0; pixel < width * height; pixel++) {
    image.data.set(data.subarray(3 * pixel, 3 * pixel + 3), 4 * pixel);
    image.data[4 * pixel + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Return what a classifier says about a file; whatever is wrong with the file is in `error`. */
async function resultOf(file) {
  const result = { name: file.name || "pasted picture", probabilities: null, error: "", note: "" };
  try {
    const { background, deepRange, height, width } = DATA;
    const picture = await readPicture(file, { background, deepRange, side: Math.max(height, width) });
    result.seen = fitted(picture, height, width, DATA.resize);
    result.shown = thumbnailOf(picture);
    result.size = picture.size;
    result.note = [picture.note, unlikeTraining(result.seen, DATA.channels, DATA.learned)].filter(Boolean).join(" ");
    result.probabilities = await state.classify(result.seen);
  } catch (error) {
    if (!(error instanceof PictureError)) console.error(error);
    result.error = error instanceof PictureError ? error.message : "This page cannot read it.";
  }
  return result;
}

function thumbnailOf(picture) {
  const scale = Math.min(1, THUMBNAIL / Math.max(picture.width, picture.height));
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(scale * side)));
  return fitted(picture, height, width, "stretch");
}

/** Classify files, one after the other. */
function take(files) {
  const wanted = [...files];
  if (!wanted.length || !state.classify) return state.waiting;
  state.waiting = state.waiting.then(async () => {
    for (const [number, file] of wanted.entries()) {
      if (wanted.length > 1) element("summary").textContent = `Reading ${number + 1} of ${wanted.length}…`;
      const result = await resultOf(file);
      state.results.push(result);
      addRow(result);
      if (number === 0) select(result);
      else element("several").hidden = false;
      await new Promise((resolve) => { setTimeout(resolve); }); // the page stays responsive
    }
    count();
    const [first] = state.results.slice(-wanted.length);
    say(wanted.length > 1 ? `${wanted.length} pictures were classified. ${sentence(first)}` : sentence(first));
  });
  return state.waiting;
}

/** Return one sentence about a result, for screen readers. */
function sentence(result) {
  if (result.error) return `${result.name}: ${result.error}`;
  const best = likeliest(result.probabilities), share = result.probabilities[best];
  const unsure = share < limit() ? "Unsure, perhaps " : "";
  return `${unsure}${DATA.classes[best]}, ${percent(share)}. ${result.note}`;
}

let saying = 0;
/** Have screen readers say something, once it has not changed for a moment. */
function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => { element("status").textContent = text; }, 400);
}

/** Show a result as the large one. */
function select(result) {
  state.selected = result;
  for (const { row } of state.results) row?.setAttribute("aria-current", String(row === result?.row));
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
  element("verdict").textContent = DATA.classes[best];
  element("verdict").parentElement.classList.toggle("short", [...DATA.classes[best]].length < 3);
  element("verdict-share").replaceChildren(...(unsure ? [made("span", "tag", "unsure"), " perhaps, "] : []), percent(share));
  if (result.shown) paint(element("shown"), result.shown);
  element("shown").parentElement.hidden = !result.shown;
  paint(element("seen"), result.seen);
  const size = result.size ? `, ${result.size[0]} × ${result.size[1]} pixels` : "";
  element("file").replaceChildren(...(result.shown ? [name(result.name), size] : []));
  element("note").textContent = result.note;
  element("note").hidden = !result.note;
  showBars(result.probabilities, best);
}

/** Return the bars' [name, share, is the first, is a name of a class]: up to ten classes in their order, else the ten likeliest. */
function barsOf(probabilities, best) {
  const order = probabilities.map((_, at) => at);
  const bar = (at) => [DATA.classes[at], probabilities[at], at === best, true];
  if (order.length <= MOST_BARS) return order.map(bar);
  order.sort((one, other) => probabilities[other] - probabilities[one] || one - other);
  const rest = order.slice(MOST_BARS);
  const sum = rest.reduce((total, at) => total + probabilities[at], 0);
  return [...order.slice(0, MOST_BARS).map(bar), [`${rest.length} others`, sum, false, false]];
}

function showBars(probabilities, best) {
  const bars = element("bars"), wanted = barsOf(probabilities, best);
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
    element("result").scrollIntoView({ block: "nearest", behavior: "smooth" });
  });
  head.append(button);
  row.append(head);
  result.row = row;
  fillRow(result);
  element("rows").append(row);
}

function fillRow({ row, probabilities, error, note }) {
  while (row.children.length > 1) row.lastChild.remove();
  if (error) {
    const cell = made("td", "wrong", error);
    cell.colSpan = 2;
    row.append(cell);
    return;
  }
  const best = likeliest(probabilities), cell = made("td", "");
  cell.append(name(DATA.classes[best]));
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
  if (failed) parts.push(`${failed} not read`);
  element("summary").textContent = parts.join(", ");
  element("several").hidden = results.length < 2;
}
