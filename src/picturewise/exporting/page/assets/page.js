// The page: pictures in, results out. Whatever comes from outside, such as names, becomes text and never HTML.

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

/** Open one of the two tabs. */
function open(which) {
  for (const id of ["draw", "files"]) {
    const tab = element(`${id}-tab`), chosen = id === which;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    element(id).hidden = !chosen;
  }
}

function setUpDrawing() {
  element("tabs").hidden = false;
  element("files").setAttribute("role", "tabpanel");
  element("files").setAttribute("aria-labelledby", "files-tab");
  let due = 0, latest = 0;
  const changed = (strokes) => {
    const empty = !strokes.length;
    for (const id of ["undo", "clear-drawing"]) element(id).disabled = empty;
    cancelAnimationFrame(due);
    const number = ++latest;
    if (empty) {
      select(null);
      say("");
      return;
    }
    due = requestAnimationFrame(async () => {
      if (!state.classify) return;
      const seen = pictureOfStrokes(strokes, DATA, DATA.drawing);
      const probabilities = await state.classify(seen);
      if (number !== latest) return;
      select({ name: "drawing", seen, probabilities, error: "", note: "" });
      say(sentence(state.selected));
    });
  };
  const drawing = drawable(element("paper"), changed);
  element("undo").addEventListener("click", drawing.undo);
  element("clear-drawing").addEventListener("click", drawing.clear);
  for (const id of ["draw", "files"]) {
    element(`${id}-tab`).addEventListener("click", () => open(id));
    element(`${id}-tab`).addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const other = id === "draw" ? "files" : "draw";
      open(other);
      element(`${other}-tab`).focus();
    });
  }
  open("draw");
}

function setUpFiles() {
  for (const id of ["choose", "photograph"]) {
    element(id).addEventListener("change", ({ target }) => {
      const files = [...target.files];
      target.value = ""; // the same file can be chosen again
      take(files);
    });
  }
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    document.body.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    if (DATA.drawing) open("files");
    take(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => {
    if (!event.clipboardData?.files.length) return;
    if (DATA.drawing) open("files");
    take(event.clipboardData.files);
  });
  element("download").addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([csvOf(state.results, DATA.classes, limit())], { type: "text/csv" }));
    const link = made("a", "");
    Object.assign(link, { href: address, download: "predictions.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  });
  element("remove").addEventListener("click", () => {
    state.results = [];
    element("rows").replaceChildren();
    select(null);
    count();
    say("All pictures were removed.");
    element("choose").focus();
  });
}

/** Return the question that the classifier answers. */
function question(classes) {
  if (classes.every((text) => /^\p{N}$/u.test(text))) return "Which digit is it?";
  if (classes.every((text) => /^\p{L}$/u.test(text))) return "Which letter is it?";
  if (DATA.drawing) return "Which character is it?";
  const line = classes.length > 1 ? `${classes.slice(0, -1).join(", ")} or ${classes.at(-1)}?` : "";
  return line && line.length <= 64 ? line : `Which of ${classes.length.toLocaleString("en")} classes is it?`;
}

function setUpTexts() {
  const asked = question(DATA.classes);
  element("question").textContent = asked;
  document.title = `${asked} Picture classifier`;
  element("bars").classList.toggle("wide", DATA.classes.some((text) => [...text].length > 2) || DATA.classes.length > MOST_BARS);
  element("licence").textContent = DATA.licence;
  element("version").textContent = DATA.version;
  const { facts } = DATA;
  const rows = [
    ["Classes", DATA.classes.join(", ")],
    ["Pictures", `${DATA.width} × ${DATA.height} pixels, ${DATA.channels === 1 ? "grey" : "colour"}`],
    ["Trained on", facts.provenance?.dataset],
    ["Training pictures", DATA.learned?.count.toLocaleString("en")],
    ["Weights (SHA-256)", facts.weights_sha256],
  ];
  for (const [term, text] of rows) if (text) element("facts").append(made("dt", "", term), made("dd", "", text));
}

async function start() {
  setUpTexts();
  setUpFiles();
  if (DATA.drawing) setUpDrawing();
  element("limit").addEventListener("input", () => {
    element("limit-value").textContent = `${element("limit").value}%`;
    for (const result of state.results) fillRow(result);
    count();
    if (state.selected) show();
  });
  try {
    state.classify = await loadModel(DATA);
    show();
  } catch (error) {
    console.error(error);
    element("waiting").hidden = true;
    element("problem").textContent = "This browser cannot run the classifier. Use a browser of 2023 or later.";
    element("problem").hidden = false;
  }
}

start();
// For people who open the browser's console, and for tests.
globalThis.picturewise = { data: DATA, readPicture, fitted, state, take, csvOf };
