// JPEG files at a half, a quarter or an eighth of their size, from the coarse waves alone, as Pillow reads large ones
// (its `draft`). Browsers only decode them whole. The steps are those of libjpeg-turbo, with its integers and rounding.

const DAMAGED_JPEG = "The file is damaged or incomplete.";
const MOST_SCANS = 500; // a progressive JPEG has about ten; each costs time, however short it is

/** Return {width, height, data} of a grey or coloured JPEG, its sides divided by 2, 4 or 8; null: of a rare form. */
function decodeReducedJpeg(bytes, factor) {
  const jpeg = { tables: [], huffman: {}, restart: 0, adobe: null, jfif: false, components: null };
  let at = 2, scans = 0;
  while (true) {
    while (bytes[at] === 0xff && bytes[at + 1] === 0xff) at += 1;
    if (at + 1 >= bytes.length || bytes[at] !== 0xff) throw new PictureError(DAMAGED_JPEG);
    const marker = bytes[at + 1];
    if (marker === 0xd9) break;
    const length = (bytes[at + 2] << 8) | bytes[at + 3];
    const content = bytes.subarray(at + 4, at + 2 + length);
    if (content.length !== length - 2) throw new PictureError(DAMAGED_JPEG);
    at += 2 + length;
    if (marker === 0xdb) readQuantisation(jpeg, content);
    else if (marker === 0xc4) readHuffman(jpeg, content);
    else if (marker === 0xdd) jpeg.restart = (content[0] << 8) | content[1];
    else if (marker === 0xe0) jpeg.jfif = String.fromCharCode(...content.subarray(0, 4)) === "JFIF";
    else if (marker === 0xee && String.fromCharCode(...content.subarray(0, 5)) === "Adobe") jpeg.adobe = content[11];
    else if (marker >= 0xc0 && marker <= 0xc2) {
      if (!readFrame(jpeg, content, marker === 0xc2, factor)) return null;
    } else if (marker >= 0xc3 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) return null;
    else if (marker === 0xda) {
      if (++scans > MOST_SCANS) throw new PictureError(`It is a JPEG with more than ${MOST_SCANS} scans. Save it again.`);
      at = readScan(jpeg, content, bytes, at);
    }
  }
  if (!jpeg.components?.every(({ seen }) => seen)) throw new PictureError(DAMAGED_JPEG);
  return coloursOf(jpeg, jpeg.components.map((component) => fullPlane(jpeg, component)));
}

function readQuantisation(jpeg, content) {
  let at = 0;
  while (at < content.length) {
    const wide = content[at] >> 4, table = new Int32Array(64);
    const id = content[at++] & 15;
    for (const place of ZIGZAG) {
      table[place] = wide ? (content[at] << 8) | content[at + 1] : content[at];
      at += wide ? 2 : 1;
    }
    jpeg.tables[id] = table;
  }
}

/** Keep the size and the components; return whether the form is one that is read here. */
function readFrame(jpeg, content, progressive, factor) {
  const [precision, h1, h2, w1, w2, count] = content;
  const height = (h1 << 8) | h2, width = (w1 << 8) | w2;
  if (jpeg.components || precision !== 8 || ![1, 3].includes(count) || !width || !height) return false;
  const components = Array.from({ length: count }, (_, number) => {
    const [id, sampling, table] = content.subarray(6 + 3 * number);
    return { id, across: sampling >> 4, down: sampling & 15, table, seen: false, last: 0 };
  });
  if (count === 1) Object.assign(components[0], { across: 1, down: 1 }); // there is nothing to interleave
  const mostAcross = Math.max(...components.map(({ across }) => across));
  const mostDown = Math.max(...components.map(({ down }) => down));
  const unitsAcross = Math.ceil(width / (8 * mostAcross)), unitsDown = Math.ceil(height / (8 * mostDown));
  const points = 8 / factor;
  for (const component of components) {
    const { across, down } = component;
    // Coarser components keep more waves, so that they need not be stretched.
    let size = points;
    while (size < 8 && (mostAcross * points) % (across * size * 2) === 0 && (mostDown * points) % (down * size * 2) === 0) {
      size *= 2;
    }
    component.size = size;
    component.stretch = [(mostAcross * points) / (across * size), (mostDown * points) / (down * size)];
    const known = component.stretch.every((times) => times === 1 || times === 2);
    if (!known || component.stretch[0] * component.stretch[1] === 4) return false;
    component.blocksAcross = Math.ceil((width * across) / (8 * mostAcross)); // of a scan of its own
    component.blocksDown = Math.ceil((height * down) / (8 * mostDown));
    component.stride = unitsAcross * across;
    component.width = Math.ceil((width * across * size) / (mostAcross * 8));
    component.height = Math.ceil((height * down * size) / (mostDown * 8));
    component.waves = new Int16Array(64 * component.stride * unitsDown * down);
  }
  Object.assign(jpeg, {
    components, progressive, unitsAcross, unitsDown, width: Math.ceil(width / factor), height: Math.ceil(height / factor),
    smooth: points > 1,
  });
  return true;
}

/** Return a component's values at the size of the picture: {stride, values}. */
function fullPlane(jpeg, component) {
  const plane = planeOf(component, jpeg.tables[component.table]);
  const [across, down] = component.stretch;
  if (across === 2) return stretchedAcross(plane, component, jpeg.smooth);
  return down === 2 ? stretchedDown(plane, component, jpeg.smooth) : plane;
}

function planeOf({ size, stride, waves }, table) {
  if (!table) throw new PictureError(DAMAGED_JPEG);
  const back = { 1: backTo1, 2: backTo2, 4: backTo4, 8: backTo8 }[size];
  const width = stride * size, blocks = waves.length / 64;
  const values = new Uint8ClampedArray((blocks / stride) * size * width);
  const block = new Int32Array(64), rows = new Int32Array(64);
  for (let number = 0; number < blocks; number++) {
    for (let at = 0; at < 64; at++) block[at] = waves[64 * number + at] * table[at];
    back(block, rows, values, Math.floor(number / stride) * size * width + (number % stride) * size, width);
  }
  return { stride: width, values };
}

/** Stretch a plane along its rows: three quarters of the nearer value and a quarter of the farther one. */
function stretchedAcross({ stride, values }, { width, height }, smooth) {
  const stretched = new Uint8ClampedArray(2 * stride * (values.length / stride));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * stride + x, value = values[at];
      const isSmooth = smooth && width > 2;
      const before = isSmooth && x > 0 ? values[at - 1] : value, after = isSmooth && x < width - 1 ? values[at + 1] : value;
      stretched[2 * at] = (3 * value + before + 1) >> 2;
      stretched[2 * at + 1] = (3 * value + after + 2) >> 2;
    }
  }
  return { stride: 2 * stride, values: stretched };
}

/** Stretch a plane along its columns. */
function stretchedDown({ stride, values }, { width, height }, smooth) {
  const stretched = new Uint8ClampedArray(2 * values.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * stride + x, value = values[at], to = 2 * y * stride + x;
      const above = smooth && y > 0 ? values[at - stride] : value;
      const below = smooth && y < height - 1 ? values[at + stride] : value;
      stretched[to] = (3 * value + above + 1) >> 2;
      stretched[to + stride] = (3 * value + below + 2) >> 2;
    }
  }
  return { stride, values: stretched };
}

/** Return the picture of planes, which are grey, RGB, or brightness and two differences of colour. */
function coloursOf(jpeg, planes) {
  const { width, height, adobe, jfif, components } = jpeg;
  const ids = String.fromCharCode(...components.map(({ id }) => id));
  const isRgb = planes.length === 3 && !jfif && (adobe === null ? ids === "RGB" : adobe === 0);
  const data = new Uint8ClampedArray(width * height * 3);
  const [first, second, third] = planes;
  let to = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const one = first.values[y * first.stride + x];
      if (planes.length === 1) {
        data[to] = data[to + 1] = data[to + 2] = one;
        continue;
      }
      const two = second.values[y * second.stride + x], three = third.values[y * third.stride + x];
      if (isRgb) {
        [data[to], data[to + 1], data[to + 2]] = [one, two, three];
        continue;
      }
      const blue = two - 128, red = three - 128;
      data[to] = one + ((91881 * red + 32768) >> 16);
      data[to + 1] = one + ((-22554 * blue - 46802 * red + 32768) >> 16);
      data[to + 2] = one + ((116130 * blue + 32768) >> 16);
    }
  }
  return { width, height, data: new Uint8Array(data.buffer) };
}
