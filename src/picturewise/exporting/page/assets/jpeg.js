// JPEG files at a half, a quarter or an eighth of their size, from the coarse waves alone, as Pillow reads large ones
// (its `draft`). Browsers only decode them whole. The steps are those of libjpeg-turbo, with its integers and rounding.

const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
  62, 63,
];
const DAMAGED_JPEG = "The file is damaged or incomplete.";

/** Return {width, height, data} of a grey or coloured JPEG, its sides divided by 2, 4 or 8; null: of a rare form. */
function decodeReducedJpeg(bytes, factor) {
  const jpeg = { tables: [], huffman: {}, restart: 0, adobe: null, jfif: false, components: null };
  let at = 2;
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
    else if (marker === 0xda) at = readScan(jpeg, content, bytes, at);
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

/** Keep each table as, for each length of a code, the first code, how many there are, and where its values begin. */
function readHuffman(jpeg, content) {
  let at = 0;
  while (at < content.length) {
    const id = content[at], counts = content.subarray(at + 1, at + 17);
    const values = content.subarray(at + 17, at + 17 + counts.reduce((sum, count) => sum + count, 0));
    const quick = new Int16Array(256).fill(-1); // of the next eight bits: 16 · value + length of codes up to eight bits
    const firsts = [];
    let code = 0, place = 0;
    counts.forEach((count, index) => {
      const length = index + 1;
      firsts.push({ code, count, place });
      for (let one = 0; one < count && length <= 8; one++) {
        const start = (code + one) << (8 - length);
        quick.fill(16 * values[place + one] + length, start, start + (1 << (8 - length)));
      }
      code = (code + count) << 1;
      place += count;
    });
    jpeg.huffman[id] = { firsts, values, quick };
    at += 17 + values.length;
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

/** Read the waves of one scan, and return where the next marker begins. */
function readScan(jpeg, content, bytes, start) {
  if (!jpeg.components) throw new PictureError(DAMAGED_JPEG);
  const scan = [];
  for (let number = 0; number < content[0]; number++) {
    const [id, tables] = content.subarray(1 + 2 * number);
    const component = jpeg.components.find((one) => one.id === id);
    if (!component) throw new PictureError(DAMAGED_JPEG);
    component.seen = true;
    scan.push({ component, dc: jpeg.huffman[tables >> 4], ac: jpeg.huffman[16 + (tables & 15)] });
  }
  const [first, last, bits] = content.subarray(1 + 2 * content[0]);
  const readBlock = blockReader(jpeg.progressive, { first, last, high: bits >> 4, low: bits & 15 });
  const source = bitSource(bytes, start);
  const alone = scan.length === 1 ? scan[0].component : null;
  const columns = alone ? alone.blocksAcross : jpeg.unitsAcross, rows = alone ? alone.blocksDown : jpeg.unitsDown;
  for (let unit = 0; unit < columns * rows; unit++) {
    if (jpeg.restart && unit && unit % jpeg.restart === 0) {
      source.restart();
      readBlock.restart();
      for (const { component } of scan) component.last = 0;
    }
    const row = Math.floor(unit / columns), column = unit % columns;
    for (const part of scan) {
      const { component } = part;
      if (alone) {
        readBlock(source, part, 64 * (row * component.stride + column));
        continue;
      }
      for (let y = 0; y < component.down; y++) {
        for (let x = 0; x < component.across; x++) {
          const block = (row * component.down + y) * component.stride + column * component.across + x;
          readBlock(source, part, 64 * block);
        }
      }
    }
  }
  for (const { component } of scan) component.last = 0;
  return source.end();
}

/** Return the bits of packed waves; a zero byte after 255 is left out. */
function bitSource(bytes, start) {
  let at = start, held = 0, count = 0;
  const fill = () => {
    let byte = bytes[at];
    if (byte === undefined) throw new PictureError(DAMAGED_JPEG);
    if (byte === 0xff) {
      if (bytes[at + 1] === 0) at += 2;
      else byte = 0; // a marker: only the padding of the last code is left, or the file is damaged
      if (byte === 0 && ++padding > 8) throw new PictureError(DAMAGED_JPEG);
    } else at += 1;
    held = ((held << 8) | byte) & 0xffffff;
    count += 8;
  };
  let padding = 0;
  const peek = (wanted) => {
    while (count < wanted) fill();
    return (held >> (count - wanted)) & ((1 << wanted) - 1);
  };
  const take = (wanted) => {
    const value = peek(wanted);
    count -= wanted;
    return value;
  };
  return {
    take,
    /** Return the value of the next code. */
    code({ firsts, values, quick }) {
      const found = quick[peek(8)];
      if (found >= 0) {
        count -= found & 15;
        return found >> 4;
      }
      for (let length = 9; length <= 16; length++) {
        const { code, count: many, place } = firsts[length - 1];
        const offset = peek(length) - code;
        if (offset >= 0 && offset < many) {
          count -= length;
          return values[place + offset];
        }
      }
      throw new PictureError(DAMAGED_JPEG);
    },
    /** Return the next number, which has so many bits: negative ones begin with 0. */
    number(size) {
      if (!size) return 0;
      const value = take(size);
      return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
    },
    restart() {
      held = count = padding = 0;
      if (bytes[at] !== 0xff || (bytes[at + 1] & 0xf8) !== 0xd0) throw new PictureError(DAMAGED_JPEG);
      at += 2;
    },
    end() {
      while (at + 1 < bytes.length && !(bytes[at] === 0xff && bytes[at + 1] !== 0 && (bytes[at + 1] & 0xf8) !== 0xd0)) at += 1;
      return at;
    },
  };
}

/** Return the function that reads a block of 8 × 8 waves (ISO/IEC 10918-1, annexes F and G). */
function blockReader(progressive, { first, last, high, low }) {
  let empty = 0; // how many more blocks have no further waves

  const whole = (source, { component, dc, ac }, base) => {
    const { waves } = component;
    component.last += source.number(source.code(dc));
    waves[base] = component.last;
    for (let place = 1; place < 64; place++) {
      const code = source.code(ac), size = code & 15;
      if (!size && code !== 0xf0) break;
      place += code >> 4;
      if (size) waves[base + ZIGZAG[place]] = source.number(size);
    }
  };
  const meanFirst = (source, { component, dc }, base) => {
    component.last += source.number(source.code(dc));
    component.waves[base] = component.last << low;
  };
  const meanAgain = (source, { component }, base) => {
    if (source.take(1)) component.waves[base] |= 1 << low;
  };
  const wavesFirst = (source, { component, ac }, base) => {
    if (empty) { empty -= 1; return; }
    for (let place = first; place <= last; place++) {
      const code = source.code(ac), run = code >> 4, size = code & 15;
      if (!size && run < 15) {
        empty = (1 << run) - 1 + source.take(run);
        return;
      }
      place += run;
      if (size) component.waves[base + ZIGZAG[place]] = source.number(size) << low;
    }
  };
  const wavesAgain = (source, { component, ac }, base) => {
    const { waves } = component, step = 1 << low;
    const refine = (at) => {
      if (source.take(1) && !(Math.abs(waves[at]) & step)) waves[at] += waves[at] > 0 ? step : -step;
    };
    let place = first;
    if (!empty) {
      for (; place <= last; place++) {
        const code = source.code(ac), size = code & 15;
        let run = code >> 4;
        if (!size && run < 15) {
          empty = (1 << run) + source.take(run);
          break;
        }
        const value = size ? (source.take(1) ? step : -step) : 0;
        for (; place <= last; place++) {
          const at = base + ZIGZAG[place];
          if (waves[at]) refine(at);
          else if (run-- === 0) {
            if (value) waves[at] = value;
            break;
          }
        }
      }
    }
    if (empty) {
      for (; place <= last; place++) {
        const at = base + ZIGZAG[place];
        if (waves[at]) refine(at);
      }
      empty -= 1;
    }
  };
  const means = high ? meanAgain : meanFirst, others = high ? wavesAgain : wavesFirst;
  const chosen = progressive ? (first === 0 ? means : others) : whole;
  const read = (source, part, base) => chosen(source, part, base);
  read.restart = () => { empty = 0; };
  return read;
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

const descale = (value, bits) => (value + (1 << (bits - 1))) >> bits;

function backTo1(block, _, values, to) {
  values[to] = descale(block[0], 3) + 128;
}

/** libjpeg's jpeg_idct_2x2: constants are 2^13 times those of the cosines. */
function backTo2(block, rows, values, to, width) {
  for (const x of [0, 1, 3, 5, 7]) {
    const even = block[x] << 15;
    const odd = -5906 * block[56 + x] + 6967 * block[40 + x] - 10426 * block[24 + x] + 29692 * block[8 + x];
    rows[x] = descale(even + odd, 13);
    rows[8 + x] = descale(even - odd, 13);
  }
  for (const y of [0, 1]) {
    const at = 8 * y, even = rows[at] << 15;
    const odd = -5906 * rows[at + 7] + 6967 * rows[at + 5] - 10426 * rows[at + 3] + 29692 * rows[at + 1];
    values[to + y * width] = descale(even + odd, 20) + 128;
    values[to + y * width + 1] = descale(even - odd, 20) + 128;
  }
}

/** libjpeg's jpeg_idct_4x4. */
function backTo4(block, rows, values, to, width) {
  for (let x = 0; x < 8; x++) {
    if (x === 4) continue;
    const start = block[x] << 14, even = 15137 * block[16 + x] - 6270 * block[48 + x];
    const [z1, z2, z3, z4] = [block[56 + x], block[40 + x], block[24 + x], block[8 + x]];
    const inner = -1730 * z1 + 11893 * z2 - 17799 * z3 + 8697 * z4;
    const outer = -4176 * z1 - 4926 * z2 + 7373 * z3 + 20995 * z4;
    rows[x] = descale(start + even + outer, 12);
    rows[24 + x] = descale(start + even - outer, 12);
    rows[8 + x] = descale(start - even + inner, 12);
    rows[16 + x] = descale(start - even - inner, 12);
  }
  for (let y = 0; y < 4; y++) {
    const at = 8 * y, place = to + y * width;
    const start = rows[at] << 14, even = 15137 * rows[at + 2] - 6270 * rows[at + 6];
    const [z1, z2, z3, z4] = [rows[at + 7], rows[at + 5], rows[at + 3], rows[at + 1]];
    const inner = -1730 * z1 + 11893 * z2 - 17799 * z3 + 8697 * z4;
    const outer = -4176 * z1 - 4926 * z2 + 7373 * z3 + 20995 * z4;
    values[place] = descale(start + even + outer, 19) + 128;
    values[place + 3] = descale(start + even - outer, 19) + 128;
    values[place + 1] = descale(start - even + inner, 19) + 128;
    values[place + 2] = descale(start - even - inner, 19) + 128;
  }
}

/** libjpeg's jpeg_idct_islow. */
function backTo8(block, rows, values, to, width) {
  for (let x = 0; x < 8; x++) cosines8(block, x, 8, 11, (y, value) => { rows[8 * y + x] = value; });
  for (let y = 0; y < 8; y++) {
    cosines8(rows, 8 * y, 1, 18, (x, value) => { values[to + y * width + x] = value + 128; });
  }
}

function cosines8(from, at, step, bits, put) {
  const wave = (number) => from[at + number * step];
  const shared = (wave(2) + wave(6)) * 4433;
  const even2 = shared - wave(6) * 15137, even3 = shared + wave(2) * 6270;
  const even0 = (wave(0) + wave(4)) << 13, even1 = (wave(0) - wave(4)) << 13;
  const evens = [even0 + even3, even1 + even2, even1 - even2, even0 - even3];
  const [w7, w5, w3, w1] = [wave(7), wave(5), wave(3), wave(1)];
  const all = (w7 + w3 + w5 + w1) * 9633;
  const z1 = (w7 + w1) * -7373, z2 = (w5 + w3) * -20995;
  const z3 = (w7 + w3) * -16069 + all, z4 = (w5 + w1) * -3196 + all;
  const odds = [w1 * 12299 + z1 + z4, w3 * 25172 + z2 + z3, w5 * 16819 + z2 + z4, w7 * 2446 + z1 + z3];
  for (let number = 0; number < 4; number++) {
    put(number, descale(evens[number] + odds[number], bits));
    put(7 - number, descale(evens[number] - odds[number], bits));
  }
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
