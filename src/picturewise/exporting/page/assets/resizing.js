// Resizing, equal to Pillow's bilinear filter bit for bit; the steps are those of `data/pictures/pixels.py: fitted`.
//
// A picture is {width, height, data}, with three bytes a pixel in `data`.

const WEIGHT_BITS = 22; // of a weight after the point

/** Return the picture at a size, in one of the modes crop, pad and stretch. */
function fitted(picture, height, width, mode) {
  if (picture.height === height && picture.width === width) return picture;
  const across = picture.width, down = picture.height;
  if (mode === "stretch") return resizedPart(picture, width, height, [0, 0, across, down]);
  if (mode === "crop") {
    const scale = Math.min(across / width, down / height);
    const left = Math.max(0, across - scale * width) / 2, top = Math.max(0, down - scale * height) / 2;
    return resizedPart(picture, width, height, [left, top, across - left, down - top]);
  }
  const scale = Math.min(width / across, height / down);
  const innerWidth = Math.max(1, roundHalfToEven(scale * across));
  const innerHeight = Math.max(1, roundHalfToEven(scale * down));
  const inner = resizedPart(picture, innerWidth, innerHeight, [0, 0, across, down]);
  const left = Math.floor((width - innerWidth) / 2), top = Math.floor((height - innerHeight) / 2);
  const data = new Uint8Array(width * height * 3); // black around it
  for (let row = 0; row < innerHeight; row++) {
    const line = inner.data.subarray(3 * row * innerWidth, 3 * (row + 1) * innerWidth);
    data.set(line, 3 * ((top + row) * width + left));
  }
  return { width, height, data };
}

/** Return a part of the picture (left, top, right, bottom) at a size: along the rows first, then along the columns. */
function resizedPart(picture, width, height, [left, top, right, bottom]) {
  const narrow = new Uint8Array(width * picture.height * 3);
  const columns = tapsOf(picture.width, left, right, width);
  for (let row = 0; row < picture.height; row++) {
    onePass(picture.data, 3 * row * picture.width, 3, narrow, 3 * row * width, 3, columns);
  }
  const data = new Uint8Array(width * height * 3);
  const rows = tapsOf(picture.height, top, bottom, height);
  for (let column = 0; column < width; column++) {
    onePass(narrow, 3 * column, 3 * width, data, 3 * column, 3 * width, rows);
  }
  return { width, height, data };
}

/** Resize one row or one column; a step leads from a pixel to the next. */
function onePass(from, fromStart, fromStep, to, toStart, toStep, taps) {
  for (const [output, { first, weights }] of taps.entries()) {
    let red = 1 << (WEIGHT_BITS - 1), green = red, blue = red;
    let at = fromStart + first * fromStep;
    for (const weight of weights) {
      red += from[at] * weight;
      green += from[at + 1] * weight;
      blue += from[at + 2] * weight;
      at += fromStep;
    }
    const place = toStart + output * toStep;
    to[place] = red >> WEIGHT_BITS;
    to[place + 1] = green >> WEIGHT_BITS;
    to[place + 2] = blue >> WEIGHT_BITS;
  }
}

/** Return the input pixels of each output pixel and their weights: Pillow's precompute_coeffs, operation by operation. */
function tapsOf(size, low, high, count) {
  const start = Math.fround(low), end = Math.fround(high); // Pillow keeps a box in float32
  const scale = Math.fround(end - start) / count;
  const support = Math.max(scale, 1); // half the width of the triangle
  const inverse = 1 / support;
  const found = [];
  for (let output = 0; output < count; output++) {
    const centre = start + (output + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(size, Math.trunc(centre + support + 0.5));
    const heights = [];
    let sum = 0;
    for (let pixel = first; pixel < last; pixel++) {
      const height = Math.max(0, 1 - Math.abs((pixel - centre + 0.5) * inverse));
      heights.push(height);
      sum += height;
    }
    const weights = Int32Array.from(heights, (height) => Math.trunc(0.5 + (height / sum) * (1 << WEIGHT_BITS)));
    found.push({ first, weights });
  }
  return found;
}

/** Return a number rounded as Python's `round` does. */
function roundHalfToEven(number) {
  const below = Math.floor(number);
  if (number - below !== 0.5) return Math.round(number);
  return below % 2 === 0 ? below : below + 1;
}

/**
 * Return the picture with each side divided by a whole number, as the mean over squares of pixels.
 *
 * Pillow reads a large JPEG at a half, a quarter or an eighth of its size, from its coarse waves alone. A browser reads
 * all of it; the mean over squares comes nearest to that. Where squares are not whole, they are at the ends where they
 * are in the file, before it was turned.
 */
function reduced(picture, factor, { fromRight, fromBottom }) {
  const width = Math.ceil(picture.width / factor), height = Math.ceil(picture.height / factor);
  const data = new Uint8Array(width * height * 3);
  const shiftX = fromRight ? width * factor - picture.width : 0;
  const shiftY = fromBottom ? height * factor - picture.height : 0;
  for (let row = 0; row < height; row++) {
    const top = Math.max(0, row * factor - shiftY), bottom = Math.min(picture.height, (row + 1) * factor - shiftY);
    for (let column = 0; column < width; column++) {
      const left = Math.max(0, column * factor - shiftX);
      const right = Math.min(picture.width, (column + 1) * factor - shiftX);
      const count = (bottom - top) * (right - left);
      const sums = [0, 0, 0];
      for (let y = top; y < bottom; y++) {
        for (let at = 3 * (y * picture.width + left); at < 3 * (y * picture.width + right); at += 3) {
          sums[0] += picture.data[at];
          sums[1] += picture.data[at + 1];
          sums[2] += picture.data[at + 2];
        }
      }
      sums.forEach((sum, channel) => { data[3 * (row * width + column) + channel] = Math.round(sum / count); });
    }
  }
  return { width, height, data };
}

/** Return a picture's bytes with one or three channels: grey is the rounded mean of the colours. */
function withChannels(picture, channels) {
  if (channels === 3) return picture.data;
  const { data } = picture;
  return Uint8Array.from({ length: data.length / 3 }, (_, pixel) => {
    const at = 3 * pixel;
    return Math.floor((data[at] + data[at + 1] + data[at + 2] + 1) / 3);
  });
}
