// The scans of a JPEG: packed bits become waves (ISO/IEC 10918-1, annexes F and G).

// The place of each wave in a block, in the order of the file.
const ZIGZAG = [
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
  62, 63,
];

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
