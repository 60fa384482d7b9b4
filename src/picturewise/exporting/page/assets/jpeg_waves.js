// Waves become values again: blocks of 8 × 8 waves give 8 × 8, 4 × 4, 2 × 2 values or one, as in libjpeg. The constants
// are those of the cosines, times 2^13. Each function takes a block, room for what is in between, and where values go.

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
