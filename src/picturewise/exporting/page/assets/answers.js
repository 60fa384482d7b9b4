// What a result says: a class, or a reading, which is a sequence of symbols such as a house number.

const MOST_BARS = 10;

/** Whether a model reads sequences of symbols. */
const isReader = (model) => Boolean(model.alphabet);

/** Return {text, share} of a result, the most likely class or the reading, and its probability; null: it has none. */
function answerOf({ model, probabilities, reading }) {
  if (reading) return reading;
  if (!probabilities) return null;
  const best = likeliest(probabilities);
  return { text: model.classes[best], share: probabilities[best] };
}

/**
 * Return the bars' [name, share, is the first]: up to ten classes in their order, else the ten likeliest; of a reading
 * its length and each symbol.
 */
function barsOf({ probabilities, reading, model: { classes } }) {
  if (reading) return reading.parts.map(([part, share]) => [part, share, true]);
  const best = likeliest(probabilities), order = probabilities.map((_, at) => at);
  const bar = (at) => [classes[at], probabilities[at], at === best];
  if (order.length <= MOST_BARS) return order.map(bar);
  order.sort((one, other) => probabilities[other] - probabilities[one] || one - other);
  const rest = order.slice(MOST_BARS);
  const sum = rest.reduce((total, at) => total + probabilities[at], 0);
  return [...order.slice(0, MOST_BARS).map(bar), [`${rest.length} others`, sum, false]];
}

/** Return the reading {text, share, parts} in a model's outputs. */
function readingOf({ length, digits, confidence, logits }, model) {
  const symbols = Array.from(digits.slice(0, Number(length[0])), Number);
  const parts = model.columns ? partsOfColumns(symbols, logits, model) : partsOfPlaces(symbols, logits, model);
  return { text: symbols.map((symbol) => model.alphabet[symbol]).join(""), share: confidence[0], parts };
}

/** Return the length and each symbol with its probability: see `parts` in `targets/places.py`. */
function partsOfPlaces(symbols, logits, { alphabet, places }) {
  const after = places + 2; // outputs for the lengths 0, 1, …, places, more
  const shareOf = (from, many, at) => softmax(logits.slice(from, from + many))[at];
  return [
    [`length: ${symbols.length}`, shareOf(0, after, symbols.length)],
    ...symbols.map((symbol, place) => [
      `place ${place + 1}: ${alphabet[symbol]}`, shareOf(after + place * alphabet.length, alphabet.length, symbol),
    ]),
  ];
}

/** Return each symbol with its highest probability in a column: see `parts` in `targets/ctc.py`. */
function partsOfColumns(symbols, logits, { alphabet, columns }) {
  const many = alphabet.length + 1; // the last one is the blank
  const table = Array.from({ length: columns }, (_, at) => softmax(logits.slice(at * many, (at + 1) * many)));
  let start = 0;
  return symbols.map((symbol, place) => {
    const stop = Math.max(start + 1, columns - (symbols.length - place - 1));
    const shares = table.slice(start, stop).map((column) => column[symbol]), best = likeliest(shares);
    start += best + 1;
    return [`symbol ${place + 1}: ${alphabet[symbol]}`, shares[best]];
  });
}

function softmax(logits) {
  const most = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** Return the place of the largest number, the first of equal ones. */
function likeliest(probabilities) {
  return probabilities.reduce((best, probability, at) => (probability > probabilities[best] ? at : best), 0);
}
