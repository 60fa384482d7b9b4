// PNG files, decoded here: a canvas multiplies colours with their opacity, which loses bits, and keeps 8 of 16 bits in
// its own way. The result has the bytes that Pillow gives, quirks included.

const PNG_SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const PNG_CHANNELS = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }; // by colour type
const PNG_DEPTHS = { 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] };
// The passes of an interlaced picture: first column, first row, step between columns, step between rows.
const ADAM7 = [[0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2]];

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * Return a PNG as {width, height, data, orientation}, on the background.
 *
 * `deepRange` is the pair of values of black and white in grey pictures of 16 bits; null: the whole range.
 */
async function decodePng(bytes, background, deepRange) {
  const png = chunksOf(bytes);
  const raw = await inflated(png.packed, rawLength(png));
  const samples = samplesOf(png, raw);
  const data = pngColours(png, samples, background, deepRange);
  return { width: png.width, height: png.height, data, orientation: png.exif ? orientationOf(png.exif) : 1 };
}

/** Return what the chunks say; those that the pixels depend on must be intact. */
function chunksOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const png = { packed: [], palette: null, transparency: null, exif: null };
  const needed = ["IHDR", "PLTE", "IDAT", "IEND", "tRNS", "eXIf", "acTL"];
  let at = PNG_SIGNATURE.length, kind = "";
  while (kind !== "IEND") {
    if (at + 12 > bytes.length) throw new PictureError("The file is damaged or incomplete.");
    const length = view.getUint32(at);
    kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const end = at + 8 + length;
    if (end + 4 > bytes.length) throw new PictureError("The file is damaged or incomplete.");
    const content = bytes.subarray(at + 8, end);
    if (needed.includes(kind) && crcOf(bytes.subarray(at + 4, end)) !== view.getInt32(end)) {
      throw new PictureError("The file is damaged.");
    }
    if (kind === "IHDR") readHeader(png, content, new DataView(bytes.buffer, bytes.byteOffset + at + 8, length));
    if (kind === "PLTE") png.palette = content;
    if (kind === "tRNS") png.transparency = content;
    if (kind === "eXIf") png.exif = content;
    if (kind === "IDAT") png.packed.push(content);
    if (kind === "acTL" && view.getUint32(at + 8) > 1) throw new PictureError(SEVERAL_FRAMES);
    at = end + 4;
  }
  if (!png.width || !png.packed.length || (png.type === 3 && !png.palette)) {
    throw new PictureError("The file is damaged.");
  }
  return png;
}

function readHeader(png, content, view) {
  if (content.length !== 13) throw new PictureError("The file is damaged.");
  const [depth, type, , , interlaced] = content.subarray(8);
  Object.assign(png, { width: view.getUint32(0), height: view.getUint32(4), depth, type, interlaced });
  if (!PNG_DEPTHS[type]?.includes(depth) || interlaced > 1) throw new PictureError("The file is damaged.");
  checkSize(png.width, png.height);
}

function crcOf(bytes) {
  let value = -1;
  for (const byte of bytes) value = (value >>> 8) ^ CRC_TABLE[(value ^ byte) & 255];
  return ~value;
}

/** Return the unpacked bytes of a zlib stream. A small file can have a thousand times as many; the surplus is not read. */
async function inflated(pieces, length) {
  const raw = new Uint8Array(length);
  const reader = new Blob(pieces).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
  let at = 0;
  while (true) {
    const { done, value } = await reader.read().catch(() => ({ done: true }));
    if (done) break;
    if (at + value.length > length) {
      reader.cancel().catch(() => {});
      throw new PictureError("The file is damaged: it has more pixels than its size allows.");
    }
    raw.set(value, at);
    at += value.length;
  }
  if (at < length) throw new PictureError("The file is damaged or incomplete.");
  return raw;
}

/** Return [left, top, step between columns, step between rows, columns, rows] of each pass that has pixels. */
function passesOf({ width, height, interlaced }) {
  return (interlaced ? ADAM7 : [[0, 0, 1, 1]])
    .map((pass) => [...pass, Math.ceil((width - pass[0]) / pass[2]), Math.ceil((height - pass[1]) / pass[3])])
    .filter(([, , , , columns, rows]) => columns > 0 && rows > 0);
}

/** Return how many bytes the rows have, each with the number of its filter. */
function rawLength(png) {
  const bits = png.depth * PNG_CHANNELS[png.type];
  return passesOf(png).reduce((sum, [, , , , columns, rows]) => sum + rows * (1 + Math.ceil((columns * bits) / 8)), 0);
}

/** Return one number for each channel of each pixel, up to 65535. */
function samplesOf(png, raw) {
  const channels = PNG_CHANNELS[png.type], bits = png.depth * channels;
  const samples = new (png.depth === 16 ? Uint16Array : Uint8Array)(png.width * png.height * channels);
  let at = 0;
  for (const [left, top, stepX, stepY, columns, rows] of passesOf(png)) {
    const length = Math.ceil((columns * bits) / 8);
    let above = new Uint8Array(length);
    for (let row = 0; row < rows; row++) {
      const line = raw.subarray(at + 1, at + 1 + length);
      unfilter(raw[at], line, above, Math.max(1, bits >> 3));
      const start = (top + row * stepY) * png.width;
      if (png.depth === 8 && stepX === 1) samples.set(line, channels * (start + left)); // the usual form, quickly
      else {
        for (let column = 0; column < columns; column++) {
          const to = channels * (start + left + column * stepX);
          for (let channel = 0; channel < channels; channel++) {
            samples[to + channel] = sampleAt(line, column * channels + channel, png.depth);
          }
        }
      }
      above = line;
      at += 1 + length;
    }
  }
  return samples;
}

function sampleAt(line, index, depth) {
  if (depth === 8) return line[index];
  if (depth === 16) return (line[2 * index] << 8) | line[2 * index + 1];
  const place = index * depth;
  return (line[place >> 3] >> (8 - depth - (place & 7))) & ((1 << depth) - 1);
}

/** Undo the filter of a row, in place; `step` is the number of bytes between a pixel and its left neighbour. */
function unfilter(kind, line, above, step) {
  if (kind > 4) throw new PictureError("The file is damaged.");
  if (kind === 1) {
    for (let at = step; at < line.length; at++) line[at] += line[at - step];
  } else if (kind === 2) {
    for (let at = 0; at < line.length; at++) line[at] += above[at];
  } else if (kind === 3) {
    for (let at = 0; at < line.length; at++) line[at] += ((at < step ? 0 : line[at - step]) + above[at]) >> 1;
  } else if (kind === 4) {
    for (let at = 0; at < line.length; at++) {
      line[at] += at < step ? above[at] : paeth(line[at - step], above[at], above[at - step]);
    }
  }
}

function paeth(left, above, corner) {
  const guess = left + above - corner;
  const a = Math.abs(guess - left), b = Math.abs(guess - above), c = Math.abs(guess - corner);
  if (a <= b && a <= c) return left;
  return b <= c ? above : corner;
}

/** Return three bytes a pixel. */
function pngColours(png, samples, background, deepRange) {
  const { type, depth, palette, transparency } = png;
  if (type === 2 && depth === 8 && !transparency) return samples; // they are the bytes already
  const data = new Uint8Array(png.width * png.height * 3);
  const deepGrey = type === 0 && depth === 16;
  const level = deepGrey ? deepLevels(samples, deepRange) : null;
  const clear = transparency && clearColour(png);
  for (let pixel = 0; pixel < data.length / 3; pixel++) {
    let colour, alpha = 255;
    if (type === 3) {
      const index = samples[pixel];
      colour = [0, 1, 2].map((channel) => palette[3 * index + channel] ?? 0);
      alpha = transparency?.[index] ?? 255;
    } else if (deepGrey) {
      const grey = level(samples[pixel]);
      colour = [grey, grey, grey];
      if (clear && samples[pixel] === clear[0]) alpha = 0;
    } else {
      const at = pixel * PNG_CHANNELS[type];
      // Of 16 bits, Pillow keeps the higher 8.
      const byte = (channel) => (depth === 16 ? samples[at + channel] >> 8 : scaledUp(samples[at + channel], depth));
      colour = type === 0 || type === 4 ? [byte(0), byte(0), byte(0)] : [byte(0), byte(1), byte(2)];
      if (type >= 4) alpha = byte(type === 4 ? 1 : 3);
      else if (clear && colour.every((value, channel) => value === (clear[channel] ?? clear[0]))) alpha = 0;
    }
    for (let channel = 0; channel < 3; channel++) data[3 * pixel + channel] = over(colour[channel], alpha, background);
  }
  return data;
}

/** Return a value of 1, 2 or 4 bits as a byte. */
function scaledUp(value, depth) {
  return depth === 8 ? value : (value * 255) / ((1 << depth) - 1);
}

/** Return the colour that means "transparent", as Pillow compares it: its lower 8 bits, except in deep grey pictures. */
function clearColour({ type, depth, transparency }) {
  const numbers = [0, 2, 4].map((at) => (transparency[at] << 8) | transparency[at + 1]);
  if (type === 2) return numbers.map((number) => number & 255);
  if (depth === 16) return [numbers[0]];
  return [depth === 1 ? 255 * Number(numbers[0] > 0) : numbers[0] & 255];
}

/** Return the function from the numbers of a grey picture of 16 bits to bytes; see `ValueRange.scaled`. */
function deepLevels(samples, range) {
  let lowest = 65535, highest = 0;
  for (const value of samples) {
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  const [low, high] = range ?? [0, 65535];
  if (!range && highest <= 16383 && highest > 0) {
    throw new PictureError(
      `It is a grey picture of 16 bits whose values end at ${highest}, so white is not known. Save it with 8 bits.`,
    );
  }
  if (lowest < low || highest > high) {
    throw new PictureError(`Its values are in ${lowest}–${highest}, but those of training were in ${low}–${high}.`);
  }
  const { fround } = Math;
  return (value) => roundHalfToEven(fround(fround((value - low) * 255) / fround(high - low)));
}
