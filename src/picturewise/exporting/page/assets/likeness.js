// Whether a picture is far from those of training: see `prediction/learned.py`, for one picture.

/** Return a sentence about a picture of the model's size; "": it is like those of training, or nothing is known. */
function unlikeTraining(picture, channels, learned) {
  if (!learned) return "";
  const values = withChannels(picture, channels);
  const count = values.length / channels;
  let sum = 0, squares = 0;
  for (let at = 0; at < values.length; at += channels) {
    const grey = channels === 1 ? values[at] : (values[at] + values[at + 1] + values[at + 2]) / 3;
    sum += grey;
    squares += grey * grey;
  }
  const mean = sum / count, spread = Math.sqrt(Math.max(0, squares / count - mean * mean));
  const limits = (ends, most, least) => {
    const margin = Math.max(least, (ends[2] - ends[1]) * (0.25 + 5 / learned.count));
    return [Math.max(ends[1] - margin, ends[1] / 2), Math.min(ends[2] + margin, (ends[2] + most) / 2)];
  };
  const [darkest, lightest] = limits(learned.mean, 255, 32);
  const [palest, strongest] = limits(learned.spread, 127.5, 16);
  const than = "than the pictures that the classifier was trained on.";
  if (mean < darkest) return `It is much darker ${than} Is it inverted?`;
  if (mean > lightest) return `It is much lighter ${than} Is it inverted?`;
  if (spread < palest) return `It has much less contrast ${than} Is it blank?`;
  if (spread > Math.max(strongest, 3 * learned.spread[2])) return `It has much more contrast ${than}`;
  return "";
}
