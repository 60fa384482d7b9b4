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

/** Return the reading {text, share, parts} in a model's outputs: see `targets/places.py`. */
function readingOf({ length, digits, confidence, logits }, { alphabet, places }) {
  const count = Number(length[0]), symbols = Array.from(digits.slice(0, count), Number);
  const after = places + 2; // outputs for the lengths 0, 1, …, places, more
  const shareOf = (from, many, at) => softmax(logits.slice(from, from + many))[at];
  return {
    text: symbols.map((symbol) => alphabet[symbol]).join(""),
    share: confidence[0],
    parts: [
      [`length: ${count}`, shareOf(0, after, count)],
      ...symbols.map((symbol, place) => [
        `place ${place + 1}: ${alphabet[symbol]}`, shareOf(after + place * alphabet.length, alphabet.length, symbol),
      ]),
    ],
  };
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
