// Files of pictures become pixels here, as `data/pictures/decode.py` makes them: upright, on one background, RGB.

const MOST_PIXELS = 100_000_000;
const STRIP_PIXELS = 1 << 20; // a phone's canvas holds about 16 million at most
const SEVERAL_FRAMES = "It contains several frames. Save the one that you need as a file of its own.";

/**
 * Return the picture in a file as {width, height, data, size, note}.
 *
 * `data` has three bytes a pixel. `size` is that of the whole picture, upright; a large JPEG comes back reduced, to at
 * least twice `side` pixels, as Pillow reads it. `note` says what is not exactly as in Picturewise; it is empty otherwise.
 */
async function readPicture(file, { background, side, deepRange }) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const form = formOf(bytes);
  const paper = background === "black" ? 0 : 255;
  if (form === "png") {
    const stored = await decodePng(bytes, paper, deepRange);
    const picture = upright(stored, stored.orientation);
    return { ...picture, size: [picture.width, picture.height], note: "" };
  }
  const jpeg = form === "jpeg" ? jpegFacts(bytes) : null;
  // Before a browser makes room for it; whether it has any pixels is seen later.
  checkSize(...(jpeg ? [jpeg.width, jpeg.height] : declaredSize(form, bytes)).map((side) => side || 1));
  if (jpeg?.components === 4) {
    throw new PictureError("It is a JPEG in CMYK, the colours of printing, which this page cannot read. Save it as RGB.");
  }
  if (form === "gif" && gifFrames(bytes) > 1) throw new PictureError(SEVERAL_FRAMES);
  if (form === "webp" && isAnimatedWebp(bytes)) throw new PictureError(SEVERAL_FRAMES);
  const factor = jpeg ? [8, 4, 2].find((one) => Math.min(jpeg.width, jpeg.height) / one >= 2 * side) : undefined;
  const size = jpeg && (jpeg.orientation >= 5 ? [jpeg.height, jpeg.width] : [jpeg.width, jpeg.height]);
  if (factor) {
    const picture = decodeReducedJpeg(bytes, factor);
    if (picture) return { ...upright(picture, jpeg.orientation), size, note: "" };
  }
  const { picture, translucent } = await decodeInBrowser(file, paper);
  const found = { ...picture, size: [picture.width, picture.height], note: "" };
  if (translucent && form !== "gif") found.note = "Half-transparent places can differ by one level of colour.";
  if (!factor) return found;
  return { ...found, ...reduced(picture, factor, endsOf(jpeg.orientation)), note: REDUCED };
}

const REDUCED = "It is a rare kind of JPEG, which this page reduces in a slightly different way than Picturewise.";

/** Return the kind of file, by its first bytes. */
function formOf(bytes) {
  const starts = (...values) => values.every((value, at) => bytes[at] === value);
  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (starts(...PNG_SIGNATURE)) return "png";
  if (starts(0xff, 0xd8, 0xff)) return "jpeg";
  if (text(0, 3) === "GIF") return "gif";
  if (text(0, 4) === "RIFF" && text(8, 12) === "WEBP") return "webp";
  return "other";
}

function checkSize(width, height) {
  if (width * height > MOST_PIXELS) {
    throw new PictureError(`It has ${width}×${height} pixels; at most 100 million are allowed. Scale it down.`);
  }
  if (!width || !height) throw new PictureError("It has no pixels.");
}

/** Return the size that a file says; [1, 1]: it is not where it is looked for. */
function declaredSize(form, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
  if (form === "gif" && bytes.length >= 10) return [view.getUint16(6, true), view.getUint16(8, true)];
  if (form === "webp" && bytes.length >= 30) {
    const number24 = (at) => view.getUint16(at, true) + (bytes[at + 2] << 16);
    const packed = view.getUint32(21, true);
    if (text(12, 16) === "VP8X") return [number24(24) + 1, number24(27) + 1];
    if (text(12, 16) === "VP8L") return [(packed & 0x3fff) + 1, ((packed >> 14) & 0x3fff) + 1];
    return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
  }
  if (text(0, 2) === "BM" && bytes.length >= 26) return [18, 22].map((at) => Math.abs(view.getInt32(at, true)));
  return [1, 1];
}

/** Return {picture, translucent}: a picture that the browser decodes. */
async function decodeInBrowser(file, background) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, {
      colorSpaceConversion: "none", premultiplyAlpha: "none", imageOrientation: "from-image",
    });
  } catch {
    throw new PictureError("This browser cannot read it: it is damaged, or not a kind of picture that browsers know.");
  }
  try {
    checkSize(bitmap.width, bitmap.height);
    return pixelsOf(bitmap, background);
  } finally {
    bitmap.close();
  }
}

function pixelsOf(bitmap, background) {
  const { width, height } = bitmap;
  const data = new Uint8Array(width * height * 3);
  const rows = Math.max(1, Math.min(height, Math.floor(STRIP_PIXELS / width)));
  const canvas = new OffscreenCanvas(width, rows);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  let translucent = false, to = 0;
  for (let top = 0; top < height; top += rows) {
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    const strip = context.getImageData(0, 0, width, Math.min(rows, height - top)).data;
    for (let at = 0; at < strip.length; at += 4) {
      const alpha = strip[at + 3];
      if (alpha !== 255 && alpha !== 0) translucent = true;
      for (let channel = 0; channel < 3; channel++) data[to++] = over(strip[at + channel], alpha, background);
    }
  }
  return { picture: { width, height, data }, translucent };
}

/** Return a value on an opaque background: Pillow's alpha_composite, with its rounding. */
function over(value, alpha, background) {
  if (alpha === 255) return value;
  if (alpha === 0) return background;
  const sum = (value * alpha + background * (255 - alpha)) * 128 + (0x80 << 7);
  return ((sum >> 8) + sum) >> 15;
}

/** Return a JPEG's stored size, how many components it has, and how it is to be turned (1 to 8, as in EXIF). */
function jpegFacts(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const facts = { width: 0, height: 0, components: 3, orientation: 1 };
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1], length = view.getUint16(at + 2);
    if (marker === 0xff) { at += 1; continue; }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame && at + 10 <= bytes.length) {
      const [height, width] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      Object.assign(facts, { height, width, components: bytes[at + 9] });
    }
    const content = bytes.subarray(at + 4, at + 2 + length);
    const isExif = marker === 0xe1 && String.fromCharCode(...content.subarray(0, 4)) === "Exif";
    if (isExif) facts.orientation = orientationOf(content.subarray(6));
    if (isFrame || marker === 0xda) break;
    at += 2 + length;
  }
  return facts;
}

/** Return the orientation (1 to 8) that EXIF data say. */
function orientationOf(exif) {
  try {
    const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
    const little = exif[0] === 0x49;
    const start = view.getUint32(4, little);
    for (let entry = 0; entry < view.getUint16(start, little); entry++) {
      const at = start + 2 + 12 * entry;
      if (view.getUint16(at, little) === 0x0112) {
        const value = view.getUint16(at + 8, little);
        return value >= 1 && value <= 8 ? value : 1;
      }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // the data end too early
  }
  return 1;
}

/** Return a picture turned as an orientation of EXIF says. */
function upright(picture, orientation) {
  if (orientation === 1) return picture;
  const { width, height, data } = picture, swapped = orientation >= 5;
  const { fromRight, fromBottom } = endsOf(orientation);
  const [across, down] = swapped ? [height, width] : [width, height];
  const turned = new Uint8Array(data.length);
  for (let y = 0; y < down; y++) {
    for (let x = 0; x < across; x++) {
      const u = fromRight ? across - 1 - x : x, v = fromBottom ? down - 1 - y : y;
      const at = 3 * (swapped ? u * width + v : v * width + u), to = 3 * (y * across + x);
      turned[to] = data[at];
      turned[to + 1] = data[at + 1];
      turned[to + 2] = data[at + 2];
    }
  }
  return { width: across, height: down, data: turned };
}

/** Return whether the first stored pixels are on the right and at the bottom of the upright picture. */
function endsOf(orientation) {
  return { fromRight: [2, 3, 6, 7].includes(orientation), fromBottom: [3, 4, 7, 8].includes(orientation) };
}

function gifFrames(bytes) {
  const table = (flags) => (flags & 128 ? 3 * (2 << (flags & 7)) : 0);
  const skipBlocks = (from) => {
    let place = from;
    while (bytes[place]) place += bytes[place] + 1;
    return place + 1;
  };
  let at = 13 + table(bytes[10]), frames = 0;
  while (at < bytes.length && bytes[at] !== 0x3b) {
    if (bytes[at] === 0x21) at = skipBlocks(at + 2);
    else if (bytes[at] === 0x2c) {
      frames += 1;
      at = skipBlocks(at + 11 + table(bytes[at + 9]));
    } else break;
  }
  return frames;
}

function isAnimatedWebp(bytes) {
  return String.fromCharCode(...bytes.subarray(12, 16)) === "VP8X" && (bytes[20] & 2) === 2;
}
