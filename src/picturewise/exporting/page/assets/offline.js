// What classifies here: the model inside the page.

const AT_ONCE = 1; // files
const MOST_BYTES = 1_000_000_000; // of a file
const DRAWING_PAUSE = 0; // milliseconds between two pictures of a drawing
const BROKEN = "This browser cannot run the classifier. Use a browser of 2023 or later.";

const TOOLS = { readPicture, fitted };

let classify = null; // from a picture of the model's size to its probabilities or its reading

/** Return the model as soon as it is loaded: {classes or alphabet, height, width, channels, drawing, about}. */
async function prepare() {
  element("licence").textContent = DATA.licence;
  const { facts } = DATA;
  const about = [
    ["Trained on", facts.provenance?.dataset],
    ["Training pictures", DATA.learned?.count.toLocaleString("en")],
    ["Weights (SHA-256)", facts.weights_sha256],
  ];
  const model = { ...DATA, about };
  describe(model);
  classify = await loadModel(DATA);
  return model;
}

/** Return what the classifier says about a file; whatever is wrong with the file is in `error`. */
async function resultOf(file) {
  const result = emptyResult(file);
  try {
    if (file.size > MOST_BYTES) throw new PictureError(`It has ${megabytes(file.size)}; at most 1,000 MB are allowed.`);
    const { background, deepRange, height, width } = DATA;
    const picture = await readPicture(file, { background, deepRange, side: Math.max(height, width) });
    result.seen = fitted(picture, height, width, DATA.resize);
    result.shown = thumbnailOf(picture);
    result.size = picture.size;
    result.note = [picture.note, unlikeTraining(result.seen, DATA.channels, DATA.learned)].filter(Boolean).join(" ");
    Object.assign(result, await classify(result.seen));
  } catch (error) {
    result.error = wordsOf(error, "This page cannot read it.");
  }
  return result;
}

/** Return what the classifier says about a drawing, which has the model's size. */
async function resultOfDrawing(seen) {
  const result = { ...emptyResult({ name: "drawing" }), seen };
  try {
    Object.assign(result, await classify(seen));
  } catch (error) {
    result.error = wordsOf(error, "This page cannot classify it.");
  }
  return result;
}

function thumbnailOf(picture) {
  const [width, height] = thumbnailSize(picture);
  return fitted(picture, height, width, "stretch");
}
