// The results of several pictures as CSV.

const BEGINS_FORMULA = ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"];

/**
 * Return the CSV file of results [{name, model, probabilities, error, note}]; `limit` is the confidence of sure answers.
 *
 * A service may have got another classifier meanwhile, so results may have different classes.
 */
function csvOf(results, limit) {
  const classes = [...new Set(results.flatMap(({ model }) => model.classes))];
  const head = ["picture", "class", "probability", "unsure", "note", ...classes.map((name) => `p(${name})`)];
  const rows = results.map(({ name, model, probabilities, error, note }) => {
    if (error) return [name, "", "", "", error, ...classes.map(() => "")];
    const best = likeliest(probabilities);
    const sure = probabilities[best] >= limit;
    const shares = new Map(model.classes.map((one, at) => [one, probabilities[at].toFixed(6)]));
    return [name, model.classes[best], probabilities[best].toFixed(6), sure ? "no" : "yes", note,
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

/** Return the place of the largest number, the first of equal ones. */
function likeliest(probabilities) {
  return probabilities.reduce((best, probability, at) => (probability > probabilities[best] ? at : best), 0);
}
