// What classifies here: the service that the page comes from. It gets the files as they are.

const AT_ONCE = 4; // files
const DRAWING_PAUSE = 100; // milliseconds between two pictures of a drawing
const BROKEN = "This page does not understand the service. Reload the page.";
const ALL_CLASSES = 999999999;
const TOOLS = {};

/** Return the first model of the service: {name, version, classes or alphabet, height, width, channels, drawing, about}. */
async function prepare() {
  const { models } = await ask("v2/models");
  element("chosen-model").replaceChildren(...models.map((one) => new Option(one, one)));
  element("choice").hidden = models.length < 2;
  element("chosen-model").addEventListener("change", () => changeModel(() => modelCalled(element("chosen-model").value)));
  return modelCalled(models[0]);
}

async function modelCalled(called) {
  const { versions, parameters } = await ask(`v2/models/${encodeURIComponent(called)}`);
  const [height, width, channels] = parameters.shape;
  const about = [["Model", called], ["Weights (SHA-256)", `${versions[0]}…`]];
  return { ...parameters, name: called, version: versions[0], height, width, channels, about };
}

/** Return what the classifier says about a file; whatever is wrong with the file is in `error`. */
async function resultOf(file, signal) {
  const result = emptyResult(file);
  try {
    if (!file.size) throw new PictureError("The file is empty.");
    if (file.size > DATA.mostBytes) {
      throw new PictureError(`It has ${megabytes(file.size)}; this service accepts at most ${megabytes(DATA.mostBytes)}.`);
    }
    Object.assign(result, await predicted(await file.arrayBuffer(), signal));
    Object.assign(result, await lookOf(file, signal));
  } catch (error) {
    if (!signal.aborted) result.error = wordsOf(error, BROKEN);
  }
  return result;
}

/** Return what the classifier says about a drawing, which has the model's size. */
async function resultOfDrawing(seen, signal) {
  const result = { ...emptyResult({ name: "drawing" }), seen };
  try {
    const canvas = new OffscreenCanvas(seen.width, seen.height);
    canvas.getContext("2d").putImageData(imageOf(seen), 0, 0);
    const png = await canvas.convertToBlob({ type: "image/png" });
    Object.assign(result, await predicted(await png.arrayBuffer(), signal));
  } catch (error) {
    if (!signal.aborted) result.error = wordsOf(error, BROKEN);
  }
  return result;
}

/** Return {model, probabilities or reading} of a picture file; if another classifier has taken the model's place, the model is new. */
async function predicted(body, signal) {
  const { name: called } = state.model;
  for (let tries = 0; tries < 3; tries++) {
    const top = isReader(state.model) ? 1 : ALL_CLASSES;
    const answer = await ask(`predict?model=${encodeURIComponent(called)}&top=${top}`, { body, signal });
    if (!isOf(answer, state.model)) {
      const model = await modelCalled(called);
      signal.throwIfAborted();
      if (isOf(answer, model)) showModel(model);
    }
    if (isOf(answer, state.model)) {
      const { label, probability, parts, probabilities } = answer.predictions[0];
      if (parts) {
        const reading = { text: label, share: probability, parts: parts.map((one) => [one.part, one.probability]) };
        return { model: state.model, reading };
      }
      // By name: JavaScript sorts keys that are numbers.
      return { model: state.model, probabilities: state.model.classes.map((one) => probabilities[one]) };
    }
  }
  throw new PictureError("The model was replaced in the meantime. Send the picture again.");
}

/** Return whether an answer is a model's; the same weights can get other names for their classes. */
function isOf({ version, predictions: [{ parts, probabilities }] }, model) {
  const { classes } = model;
  if (parts || isReader(model)) return version === model.version && isReader(model) === Boolean(parts);
  return version === model.version && classes.length === Object.keys(probabilities).length
    && classes.every((one) => Object.hasOwn(probabilities, one));
}

let looking = Promise.resolve(); // a large picture takes much memory, so one after the other is opened

/** Return {shown, size} of a file; they are missing if the browser cannot show it. */
function lookOf(file, signal) {
  const look = looking.then(async () => {
    if (signal.aborted) return {};
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (!bitmap) return {};
    const { width, height } = bitmap;
    const size = thumbnailSize(bitmap);
    const context = new OffscreenCanvas(...size).getContext("2d");
    context.fillStyle = state.model.background === "black" ? "#000" : "#fff";
    context.fillRect(0, 0, ...size);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, ...size);
    bitmap.close();
    const { data } = context.getImageData(0, 0, ...size);
    const colours = Uint8Array.from({ length: 3 * size[0] * size[1] }, (_, at) => data[4 * Math.floor(at / 3) + (at % 3)]);
    return { shown: { width: size[0], height: size[1], data: colours }, size: [width, height] };
  });
  looking = look.catch(() => {});
  return look;
}
