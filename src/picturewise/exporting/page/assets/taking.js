// Files wait in one queue and are classified in their order, a few at once; the rest can be cancelled.

const PATIENCE = 300; // milliseconds until the progress is shown

const work = {
  files: [], // {file, leads}: a leading one is shown as soon as it is classified
  begun: [], // {file, leads, coming}, in their order
  done: 0,
  failed: 0,
  stop: new AbortController(),
  ended: null, // the promise of the running work; null: there is none
  showing: 0,
};

/** Classify files after those that wait already; the promise ends with the last of all. */
async function take(files) {
  [...files].forEach((file, number) => work.files.push({ file, leads: number === 0 }));
  if (!work.files.length || work.ended) return work.ended;
  work.stop = new AbortController();
  work.ended = run(work.stop.signal);
  work.showing = setTimeout(() => { element("progress").hidden = false; }, PATIENCE);
  return work.ended;
}

async function run(signal) {
  try {
    await state.ready;
  } catch { // the page says why
    if (!signal.aborted) rested();
    return;
  }
  while (!signal.aborted && (work.files.length || work.begun.length)) {
    while (work.files.length && work.begun.length < AT_ONCE) {
      const one = work.files.shift();
      work.begun.push({ ...one, coming: resultOf(one.file, signal) });
    }
    showProgress();
    const result = await work.begun[0].coming;
    if (signal.aborted) return;
    const { leads } = work.begun.shift();
    work.done += 1;
    if (result.error) work.failed += 1;
    state.results.push(result);
    addRow(result);
    if (leads) select(result);
    element("several").hidden = state.results.length < 2;
    await breath();
  }
  if (signal.aborted) return;
  const { done, failed } = work;
  const [last] = state.results.slice(-1);
  count();
  rested();
  if (done === 1) say(sentence(last));
  else {
    const good = done - failed;
    const classified = `${good} ${good === 1 ? "picture was" : "pictures were"} classified`;
    say(`${classified}${failed ? `, and ${failed} could not be read` : ""}. ${sentence(state.selected ?? last)}`);
  }
}

/** Let the browser draw and take part. A timer would do, but browsers slow timers down where nobody looks. */
function breath() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

function showProgress() {
  const all = work.done + work.begun.length + work.files.length;
  Object.assign(element("done"), { max: all, value: work.done });
  element("progress-text").textContent = `Picture ${work.done + 1} of ${all}`;
}

function rested() {
  clearTimeout(work.showing);
  const { activeElement } = document;
  if (activeElement === element("cancel")) element("choose").focus();
  element("progress").hidden = true;
  Object.assign(work, { files: [], begun: [], done: 0, failed: 0, ended: null });
}

/** Stop all work, and return the files that were not classified. */
function cancel() {
  const left = [...work.begun, ...work.files].map(({ file }) => file);
  work.stop.abort();
  rested();
  count();
  return left;
}
