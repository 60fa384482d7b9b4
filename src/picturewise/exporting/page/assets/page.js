// The page: pictures in, results out. Whatever comes from outside, such as names, becomes text and never HTML.

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
