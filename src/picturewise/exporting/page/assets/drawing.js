// A character drawn with mouse, finger, pen or arrow keys, and the picture that it becomes.

const PAPER = 560; // points of the paper's width
const FINE = 8; // points of the fine drawing to a pixel of the picture

/**
 * Return the picture of strokes, each a list of [x, y], at the model's size: as large, thick and central as the
 * characters of training, and in their colours. See `drawing.py` for the style.
 */
function pictureOfStrokes(drawn, { height, width }, style) {
  const { aspect } = style; // of a line of characters; coordinates are parts of the paper's sides
  const strokes = drawn.map((stroke) => stroke.map(([x, y]) => [x * (aspect ?? 1), y]));
  const side = Math.min(height, width) * FINE;
  const pen = style.pen * side, inner = style.share * side - pen;
  const points = strokes.flat();
  const [left, right] = endsOfValues(points.map(([x]) => x)), [top, bottom] = endsOfValues(points.map(([, y]) => y));
  const most = [aspect ? width * FINE - 2 * pen : inner, inner];
  const scales = [right - left, bottom - top].map((long, at) => (long > 0 ? most[at] / long : Infinity));
  const scale = Number.isFinite(Math.min(...scales)) ? Math.min(...scales) : 0; // a dot stays a dot
  const middle = [(width * FINE) / 2, (height * FINE) / 2];
  const place = (shift) => strokes.map((stroke) => stroke.map(([x, y]) => [
    middle[0] + (x - (left + right) / 2) * scale - shift[0],
    middle[1] + (y - (top + bottom) / 2) * scale - shift[1],
  ]));
  let ink = inkOf(place([0, 0]), width * FINE, height * FINE, pen);
  if (style.by_mass) ink = inkOf(place(centreOfMass(ink, middle)), width * FINE, height * FINE, pen);
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let row = y * FINE; row < (y + 1) * FINE; row++) {
        for (let column = x * FINE; column < (x + 1) * FINE; column++) sum += ink.alpha[row * ink.width + column];
      }
      const amount = sum / (255 * FINE * FINE);
      for (let channel = 0; channel < 3; channel++) {
        const { [channel]: paper } = style.paper, { [channel]: full } = style.ink;
        data[3 * (y * width + x) + channel] = Math.round(paper + (full - paper) * amount);
      }
    }
  }
  return { width, height, data };
}

function endsOfValues(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

/** Return {width, alpha}: how much ink is at each point, 0 to 255. */
function inkOf(strokes, width, height, pen) {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  traceStrokes(context, strokes, pen);
  const { data } = context.getImageData(0, 0, width, height);
  return { width, alpha: Uint8Array.from({ length: width * height }, (_, at) => data[4 * at + 3]) };
}

/** Return how far the ink's centre of mass is from a place. */
function centreOfMass({ width, alpha }, [x, y]) {
  let sum = 0, across = 0, down = 0;
  alpha.forEach((value, at) => {
    sum += value;
    across += value * ((at % width) + 0.5);
    down += value * (Math.floor(at / width) + 0.5);
  });
  return sum ? [across / sum - x, down / sum - y] : [0, 0];
}

function traceStrokes(context, strokes, pen) {
  Object.assign(context, { lineCap: "round", lineJoin: "round", lineWidth: pen });
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(...stroke[0]);
    for (const point of stroke.length > 1 ? stroke.slice(1) : stroke) context.lineTo(...point);
    context.stroke();
  }
}

/** Make the paper as wide as a line of characters: `aspect` is its width divided by its height. */
function shapePaper(canvas, aspect) {
  const height = Math.round(PAPER / aspect);
  if (canvas.height === height) return;
  canvas.height = height;
  canvas.style.aspectRatio = String(aspect);
  canvas.classList.toggle("line", aspect > 1);
  canvas.dispatchEvent(new Event("reshaped"));
}

/**
 * Let people draw on a canvas, and call `changed(strokes, said)` whenever the drawing changes; `said` is what is to be
 * said about the pen.
 *
 * With the keyboard, the arrow keys move the pen, the space bar lowers and lifts it. Returns {undo, clear}.
 */
function drawable(canvas, changed) {
  const strokes = [];
  const pen = { x: 0.5, y: 0.5, down: false, shown: false };
  let drawing = null; // the number of the pointer that draws
  let stroke = null; // the one that is being drawn; undoing takes it away

  const paint = () => {
    const context = canvas.getContext("2d"), { width, height } = canvas, size = Math.min(width, height);
    context.clearRect(0, 0, width, height);
    const colour = getComputedStyle(canvas).color;
    Object.assign(context, { strokeStyle: colour, fillStyle: colour });
    traceStrokes(context, strokes.map((stroke) => stroke.map(([x, y]) => [x * width, y * height])), size / 14);
    if (!pen.shown) return;
    context.beginPath();
    context.arc(pen.x * width, pen.y * height, size / 40, 0, 2 * Math.PI);
    context.lineWidth = size / 140;
    if (pen.down) context.fill();
    else context.stroke();
  };
  const update = (said = "") => { paint(); changed(strokes, said); };
  const begin = (point) => {
    stroke = [point];
    strokes.push(stroke);
  };
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (drawing !== null || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    drawing = event.pointerId;
    Object.assign(pen, { shown: false, down: false });
    begin(at(event));
    update();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== drawing || !stroke || !canvas.clientWidth) return; // it may have been hidden meanwhile
    const events = event.getCoalescedEvents?.() ?? [];
    stroke.push(...(events.length ? events : [event]).map(at));
    update();
  });
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(name, (event) => { if (event.pointerId === drawing) drawing = null; });
  }
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (drawing !== null || event.ctrlKey || event.altKey || event.metaKey) return;
    let said = "";
    if (event.key === " ") {
      event.preventDefault();
      if (event.repeat) return;
      pen.down = !pen.down;
      said = pen.down ? "Pen down." : "Pen up.";
      if (pen.down) begin([pen.x, pen.y]);
    } else if (step) {
      pen.x = Math.min(0.95, Math.max(0.05, pen.x + step[0] / 20));
      pen.y = Math.min(0.95, Math.max(0.05, pen.y + step[1] / 20));
      if (pen.down) stroke?.push([pen.x, pen.y]);
    } else return;
    event.preventDefault();
    pen.shown = true;
    update(said);
  });
  canvas.addEventListener("reshaped", () => paint());
  canvas.addEventListener("blur", () => { Object.assign(pen, { shown: false, down: false }); paint(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  paint();
  return {
    undo() { pen.down = false; stroke = null; strokes.pop(); update(); },
    clear() { pen.down = false; stroke = null; strokes.length = 0; update(); },
  };
}
