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

/** Offer to draw, or take the offer back. */
function offerDrawing(offered) {
  const files = element("files");
  element("tabs").hidden = !offered;
  if (offered) {
    files.setAttribute("role", "tabpanel");
    files.setAttribute("aria-labelledby", "files-tab");
  } else {
    files.removeAttribute("role");
    files.removeAttribute("aria-labelledby");
  }
  open(offered ? "draw" : "files");
}

const drawn = {
  strokes: [],
  said: "", // about the pen
  isNew: false, // it has changed since it was classified
  busy: false,
  stop: new AbortController(), // of the picture that is being classified
};

/** Classify the drawing until it no longer changes: one picture at a time, so that a slow model does not lag behind. */
async function classifyDrawing() {
  if (drawn.busy) return;
  const due = () => drawn.isNew && drawn.strokes.length && state.model?.drawing && !element("draw").hidden;
  drawn.busy = true;
  try {
    while (due()) {
      await new Promise(requestAnimationFrame);
      if (due()) await classifyStrokes(drawn, state.model);
    }
  } finally {
    drawn.busy = false;
  }
}

async function classifyStrokes({ strokes, said }, model) {
  Object.assign(drawn, { isNew: false, said: "", stop: new AbortController() });
  const { signal } = drawn.stop;
  const result = await resultOfDrawing(pictureOfStrokes(strokes, model, model.drawing), signal);
  if (signal.aborted || element("draw").hidden) return;
  select(result);
  say(`${said} ${sentence(result)}`.trim());
  if (DRAWING_PAUSE) await new Promise((resolve) => { setTimeout(resolve, DRAWING_PAUSE); });
}

/** Open a tab; a drawing gets its result back. */
function turnTo(which) {
  open(which);
  if (which !== "draw") return;
  drawn.isNew = true;
  classifyDrawing();
}

function setUpDrawing() {
  const drawing = drawable(element("paper"), (strokes, said) => {
    Object.assign(drawn, { strokes, isNew: true, said: said || drawn.said });
    for (const id of ["undo", "clear-drawing"]) element(id).disabled = !strokes.length;
    if (strokes.length) {
      classifyDrawing();
      return;
    }
    drawn.stop.abort();
    select(null);
    say("");
  });
  for (const [id, act] of [["undo", drawing.undo], ["clear-drawing", drawing.clear]]) {
    element(id).addEventListener("click", () => {
      act();
      if (element(id).disabled) element("paper").focus(); // a button that is disabled loses the focus
    });
  }
  for (const id of ["draw", "files"]) {
    element(`${id}-tab`).addEventListener("click", () => turnTo(id));
    element(`${id}-tab`).addEventListener("keydown", (event) => {
      if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
      const other = id === "draw" ? "files" : "draw";
      turnTo(other);
      element(`${other}-tab`).focus();
    });
  }
}

function setUpFiles() {
  for (const id of ["choose", "photograph"]) {
    element(id).addEventListener("change", ({ target }) => {
      const files = [...target.files];
      target.value = ""; // the same file can be chosen again
      take(files);
    });
  }
  const carriesFiles = (event) => Boolean(event.dataTransfer?.types.includes("Files"));
  const given = (files) => {
    if (!files.length) return;
    if (!element("tabs").hidden) open("files");
    take(files);
  };
  document.addEventListener("dragover", (event) => {
    const wanted = carriesFiles(event);
    if (!wanted && event.target.matches?.("input")) return; // text can be dragged there
    event.preventDefault(); // a link that is dropped does not lead away from the results
    if (!wanted) event.dataTransfer.dropEffect = "none";
    document.body.classList.toggle("dropping", wanted);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    document.body.classList.remove("dropping");
    if (!carriesFiles(event)) return;
    event.preventDefault();
    given(event.dataTransfer.files);
  });
  document.addEventListener("paste", (event) => given(event.clipboardData?.files ?? []));
  element("download").addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([csvOf(state.results, limit())], { type: "text/csv;charset=utf-8" }));
    const link = made("a", "");
    Object.assign(link, { href: address, download: "predictions.csv" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  });
  element("cancel").addEventListener("click", () => {
    const left = cancel().length;
    element("choose").focus();
    say(`Cancelled. ${left} ${left === 1 ? "picture was" : "pictures were"} not classified.`);
  });
  element("remove").addEventListener("click", () => {
    cancel();
    removeResults();
    say("All pictures were removed.");
    if (!element("tabs").hidden) open("files");
    element("choose").focus();
  });
}

function removeResults() {
  state.results = [];
  element("rows").replaceChildren();
  select(null);
  count();
}

/** Return the question that the classifier answers. */
function question({ alphabet, classes, drawing }) {
  if (alphabet) return alphabet.every((text) => /^\p{N}$/u.test(text)) ? "Which number is it?" : "What does it say?";
  if (classes.every((text) => /^\p{N}$/u.test(text))) return "Which digit is it?";
  if (classes.every((text) => /^\p{L}$/u.test(text))) return "Which letter is it?";
  if (drawing) return "Which character is it?";
  const line = classes.length > 1 ? `${classes.slice(0, -1).join(", ")} or ${classes.at(-1)}?` : "";
  return line && line.length <= 64 ? line : `Which of ${classes.length.toLocaleString("en")} classes is it?`;
}

/** Say what a model does, and let people draw if it reads characters. */
function describe(model) {
  const offered = Boolean(model.drawing);
  if (offered === element("tabs").hidden) offerDrawing(offered);
  const asked = question(model), reads = isReader(model);
  element("question").textContent = asked;
  document.title = `${asked} Picture classifier`;
  const rows = [
    reads ? ["Symbols", `${model.alphabet.join(", ")}; at most ${model.places}`] : ["Classes", model.classes.join(", ")],
    ["Pictures", `${model.width} × ${model.height} pixels, ${model.channels === 1 ? "grey" : "colour"}`],
    ...model.about,
  ];
  const shown = rows.filter(([, text]) => text).flatMap(([term, text]) => [made("dt", "", term), made("dd", "", text)]);
  element("facts").replaceChildren(...shown);
  element("answer-head").textContent = reads ? "Reading" : "Class";
  shapePaper(element("paper"), model.drawing?.aspect ?? 1);
  const [[goal, threshold] = []] = Object.entries(model.thresholds ?? {}).sort();
  element("limit-hint").textContent = goal
    ? `From ${percent(threshold)} on, at least ${Math.round(1000 * goal) / 10}% of the readings of validation pictures were correct.`
    : "";
  element("limit-hint").hidden = !goal;
  if (!state.limitChosen) setLimit(threshold ?? 0.5);
}

/** Call answers unsure below a probability. */
function setLimit(share) {
  state.limit = share;
  element("limit").value = 100 * share;
  element("limit-value").textContent = Number.isInteger(100 * share) ? `${100 * share}%` : percent(share);
}

/** Classify with a model from now on. */
function showModel(model) {
  describe(model);
  state.model = model;
  element("problem").hidden = true;
  show();
}

/** Use the model that a promise brings; pictures that are given wait for it. */
function use(coming) {
  const ready = coming.then((model) => {
    if (state.ready !== ready) return; // another one was chosen meanwhile
    showModel(model);
    drawn.isNew = true;
    classifyDrawing(); // somebody may have begun to draw
  });
  state.ready = ready;
  ready.catch((error) => {
    if (state.ready !== ready) return;
    element("waiting").hidden = true;
    element("problem").textContent = wordsOf(error, BROKEN);
    element("problem").hidden = false;
  });
}

/** Classify all pictures again with another model, which `bring` returns the promise of. */
function changeModel(bring) {
  const files = [...state.results.map(({ file }) => file), ...cancel()];
  removeResults();
  drawn.stop.abort();
  use(bring());
  take(files);
}

function start() {
  element("version").textContent = DATA.version;
  setUpFiles();
  setUpDrawing();
  element("limit").addEventListener("input", () => {
    state.limitChosen = true;
    setLimit(Number(element("limit").value) / 100);
    for (const result of state.results) fillRow(result);
    count();
    if (state.selected) show();
  });
  use(prepare());
}

start();
// For people who open the browser's console, and for tests.
globalThis.picturewise = { data: DATA, state, take, csvOf, ...TOOLS };
