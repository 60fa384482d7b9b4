// The model, run by ONNX Runtime Web. Both are in the page, compressed, as text.

/** Return a function from a picture of the model's size to {probabilities} of its classes, or to its {reading}. */
async function loadModel(model) {
  const { height, width, channels } = model;
  const ort = onnxRuntime(fetchRuntime, null, null);
  ort.env.logLevel = "error";
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = { "ort-wasm-simd.wasm": "runtime" };
  const content = await new Response(unpacked("model")).arrayBuffer();
  const session = await ort.InferenceSession.create(new Uint8Array(content), { executionProviders: ["wasm"] });
  const outputs = isReader(model) ? ["length", "digits", "confidence", "logits"] : ["probabilities"];
  let last = Promise.resolve(); // one picture after the other
  return (picture) => {
    const images = new ort.Tensor("uint8", withChannels(picture, channels), [1, height, width, channels]);
    const next = last.then(() => session.run({ images }, outputs));
    last = next.catch(() => {});
    return next.then((found) => {
      if (!isReader(model)) return { probabilities: finite(Array.from(found.probabilities.data)) };
      finite(Array.from(found.logits.data));
      return { reading: readingOf(Object.fromEntries(outputs.map((name) => [name, found[name].data])), model) };
    });
  };
}

function finite(numbers) {
  if (numbers.every(Number.isFinite)) return numbers;
  throw new PictureError("The network gives numbers that are not finite for this picture.");
}

/** What ONNX Runtime gets instead of the browser's `fetch`: its own WebAssembly, whatever it asks for. */
async function fetchRuntime() {
  return new Response(unpacked("wasm"), { headers: { "Content-Type": "application/wasm" } });
}

/** Return the unpacked content of an element as a stream, and free the text. */
function unpacked(id) {
  const element = document.getElementById(id);
  const binary = atob(element.textContent);
  element.textContent = "";
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
}
