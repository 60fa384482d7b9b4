// Requests to the service: its errors in its own words, a token where it asks for one, and another try when it is busy.

const MOST_WAITS = 10; // of one request, while the service is busy
const LONGEST_WAIT = 30; // seconds
const SILENT = "The service does not answer. Is it still running?";

let token = ""; // in memory only
let tokenGiven = null; // the promise of another token; null: nobody is asked for one

/** Return the JSON that the service answers, or throw a PictureError with its reason. */
async function ask(path, { body, signal } = {}) {
  let waits = 0;
  while (true) {
    const sent = token;
    const response = await answerTo(path, { body, signal, sent });
    if (response.ok) return response.json();
    const reason = await reasonOf(response);
    if (response.status === 401 && reason) {
      if (sent === token) await anotherToken(signal);
    } else if (response.status === 503 && waits < MOST_WAITS) {
      waits += 1;
      await rest(1000 * Math.min(LONGEST_WAIT, Number(response.headers.get("Retry-After")) || 1), signal);
    } else throw new PictureError(reason || unexplained(response.status));
  }
}

async function answerTo(path, { body, signal, sent }) {
  const headers = sent ? { Authorization: `Bearer ${sent}` } : {};
  // Without a type, the first bytes of a file decide what it is.
  if (body) headers["Content-Type"] = "application/octet-stream";
  try {
    // The mode "cors", which is the default, makes browsers name the page's origin in spite of its referrer policy.
    return await fetch(path, { method: body ? "POST" : "GET", headers, body, signal, redirect: "error" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new PictureError(SILENT);
  }
}

/** Return the sentence in an answer that is not a result; "": it is not one of the service, but of a proxy, say. */
async function reasonOf(response) {
  const error = (await response.json().catch(() => null))?.error;
  const sentence = typeof error === "string" ? error : error?.message;
  if (typeof sentence !== "string") return "";
  const bare = sentence.replace(/^The picture: /, ""); // the page says which one
  return bare.charAt(0).toUpperCase() + bare.slice(1);
}

function unexplained(status) {
  return status === 413 ? "The file is too large for this service." : `The service answered with status ${status}.`;
}

/** Wait until somebody has entered another token. */
function anotherToken(signal) {
  tokenGiven ??= new Promise((resolve) => {
    const form = element("ask"), field = element("token"), hint = element("token-hint");
    if (token) hint.textContent = "The service does not accept that token.";
    form.hidden = false;
    field.focus();
    form.addEventListener("submit", function submitted(event) {
      event.preventDefault();
      const given = field.value.trim();
      if (!/^[!-~]+$/.test(given)) {
        hint.textContent = "A token has ASCII characters only, and no spaces.";
        return;
      }
      form.removeEventListener("submit", submitted);
      token = given;
      field.value = "";
      form.hidden = true;
      tokenGiven = null;
      resolve();
    });
  });
  return untilStopped(tokenGiven, signal);
}

/** Wait for some milliseconds. */
function rest(milliseconds, signal) {
  return untilStopped(new Promise((resolve) => { setTimeout(resolve, milliseconds); }), signal);
}

/** Return a promise that fails if the work is cancelled before. */
function untilStopped(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then((value) => {
      signal.removeEventListener("abort", stop);
      resolve(value);
    });
  });
}
