// The results of several pictures as CSV.

const BEGINS_FORMULA = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"];

/**
 * Return the CSV file of results [{name, model, probabilities, reading, error, note}]; `limit` is the confidence of sure
 * answers. A service may have got another classifier meanwhile, so results may have different classes.
 */
function csvOf(results, limit) {
  const classes = [...new Set(results.flatMap(({ model }) => model.classes ?? []))];
  const head = ["picture", results.every(({ model }) => isReader(model)) ? "reading" : "class", "probability", "unsure",
    "note", ...classes.map((name) => `p(${name})`)];
  const rows = results.map((result) => {
    const { name, model, probabilities, error, note } = result;
    if (error) return [name, "", "", "", error, ...classes.map(() => "")];
    const { text, share } = answerOf(result);
    const shares = new Map((model.classes ?? []).map((one, at) => [one, probabilities[at].toFixed(6)]));
    return [name, text, share.toFixed(6), share >= limit ? "no" : "yes", note,
      ...classes.map((one) => shares.get(one) ?? "")];
  });
  return [head, ...rows].map((row) => `${row.map(csvCell).join(",")}\r\n`).join("");
}

/** Return a cell that no spreadsheet reads as a formula: see `csv_cells.py`. */
function csvCell(text) {
  const bare = text.replace(/^'+/, "");
  const isNumber = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
  const risky = BEGINS_FORMULA.some((start) => bare.startsWith(start)) && (bare !== text || !isNumber);
  const safe = risky ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
