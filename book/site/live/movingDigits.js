// @ts-check
// Clips of moving digits, as the networks were trained on: see nextframe/datasets/moving_digits.py.

/**
 * @typedef {object} Digit
 * @property {Uint8ClampedArray} image DIGIT × DIGIT grey levels
 * @property {number} x column of the left edge, in pixels; between pixels too
 * @property {number} y row of the upper edge
 * @property {number} vx pixels a frame to the right
 * @property {number} vy pixels a frame downwards
 */

export const SIDE = 32; // of a frame, in pixels
export const DIGIT = 16; // of a digit
const ROOM = SIDE - DIGIT; // how far a digit's corner can go

/** Read digits of the test split, 16×16 each, side by side in one picture. */
export async function readImages() {
  const picture = new Image();
  picture.src = new URL("digits.png", import.meta.url).href;
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(picture, 0, 0);
  return Array.from({ length: picture.width / DIGIT }, (_, index) => {
    const { data } = pen.getImageData(index * DIGIT, 0, DIGIT, DIGIT);
    return Uint8ClampedArray.from({ length: DIGIT * DIGIT }, (_, place) => data[4 * place]);
  });
}

/**
 * A digit at a place, with a speed in pixels a frame and a direction in radians, clockwise from the right.
 * @param {Uint8ClampedArray} image
 * @param {{x?: number, y?: number, speed?: number, angle?: number}} [motion]
 * @returns {Digit}
 */
export function digit(image, { x = ROOM / 2, y = ROOM / 2, speed = 1.5, angle = 0.6 } = {}) {
  return { image, x, y, vx: speed * Math.cos(angle), vy: speed * Math.sin(angle) };
}

/**
 * Reflect a step at the walls; it must be shorter than the room.
 * @param {number} place
 * @param {number} velocity
 * @returns {[number, number]} the next place and velocity
 */
function bounced(place, velocity) {
  const next = place + velocity;
  if (next < 0) return [-next, -velocity];
  if (next > ROOM) return [2 * ROOM - next, -velocity];
  return [next, velocity];
}

/**
 * The digit one frame later.
 * @param {Digit} digit
 * @returns {Digit}
 */
export function moved(digit) {
  const [x, vx] = bounced(digit.x, digit.vx);
  const [y, vy] = bounced(digit.y, digit.vy);
  return { ...digit, x, y, vx, vy };
}

/** @param {Digit} digit */
export const isAtWall = ({ x, y }) => Math.min(x, y) <= 0 || Math.max(x, y) >= ROOM;

/**
 * The digit one frame later, where walls turn it by chance: see `random_walls` in nextframe/datasets/random_futures.py.
 * @param {Digit} digit
 * @param {number} angle direction in radians in which it leaves the wall that it is at; one out of the frame is turned back into it
 * @returns {Digit}
 */
export function movedByChance(digit, angle) {
  const inwards = (/** @type {number} */ place, /** @type {number} */ velocity) =>
    place <= 0 ? Math.abs(velocity) : place >= ROOM ? -Math.abs(velocity) : velocity;
  const { x, y } = digit;
  let { vx, vy } = digit;
  if (isAtWall(digit)) {
    const speed = Math.hypot(vx, vy);
    [vx, vy] = [inwards(x, speed * Math.cos(angle)), inwards(y, speed * Math.sin(angle))];
  }
  return { ...digit, x: within(x + vx), y: within(y + vy), vx, vy };
}

/**
 * The digit at another speed, in the same direction; a digit at rest sets off to the right.
 * @param {Digit} digit
 * @param {number} speed pixels a frame
 * @returns {Digit}
 */
export function atSpeed(digit, speed) {
  const now = Math.hypot(digit.vx, digit.vy);
  if (now === 0) return { ...digit, vx: speed, vy: 0 };
  return { ...digit, vx: (digit.vx * speed) / now, vy: (digit.vy * speed) / now };
}

/**
 * Keep a corner within the room.
 * @param {number} place
 */
export function within(place) {
  return Math.min(ROOM, Math.max(0, place));
}

/**
 * A digit's image with a stroke of light from one place to another, in pixels from its corner.
 * @param {Uint8ClampedArray} image
 * @param {{x: number, y: number}} from
 * @param {{x: number, y: number}} to
 */
export function stroked(image, from, to) {
  const steps = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y)) || 1;
  for (let step = 0; step <= steps; step++) {
    image = dotted(image, from.x + ((to.x - from.x) * step) / steps, from.y + ((to.y - from.y) * step) / steps);
  }
  return image;
}

/**
 * A digit's image with a soft dot of light at a place, in pixels from its corner.
 *
 * The dot is white up to half a pixel inside its radius and fades to black half a pixel outside.
 * @param {Uint8ClampedArray} image
 * @param {number} x
 * @param {number} y
 */
export function dotted(image, x, y, radius = 1.3) {
  return image.map((value, index) => {
    const distance = Math.hypot((index % DIGIT) + 0.5 - x, Math.floor(index / DIGIT) + 0.5 - y);
    return Math.max(value, Math.round(255 * Math.min(1, Math.max(0, radius + 0.5 - distance))));
  });
}

/**
 * Draw digits into a frame: between pixels by bilinear interpolation; the brighter pixel shows.
 * @param {Digit[]} digits
 * @returns {Float32Array} SIDE × SIDE values, 0..1
 */
export function drawn(digits) {
  const frame = new Float32Array(SIDE * SIDE);
  for (const { image, x, y } of digits) {
    const left = Math.floor(x);
    const top = Math.floor(y);
    const right = x - left;
    const down = y - top;
    const at = (/** @type {number} */ row, /** @type {number} */ column) =>
      row < 0 || column < 0 || row >= DIGIT || column >= DIGIT ? 0 : image[row * DIGIT + column];
    for (let row = 0; row <= DIGIT && top + row < SIDE; row++) {
      for (let column = 0; column <= DIGIT && left + column < SIDE; column++) {
        const above = at(row - 1, column) * (1 - right) + at(row - 1, column - 1) * right;
        const here = at(row, column) * (1 - right) + at(row, column - 1) * right;
        const value = (here * (1 - down) + above * down) / 255;
        const place = (top + row) * SIDE + left + column;
        frame[place] = Math.max(frame[place], value);
      }
    }
  }
  return frame;
}

/**
 * The frame moved sideways; what leaves on one side is lost, what comes in is black.
 * @param {Float32Array} frame
 * @param {number} pixels to the right; below 0, to the left
 */
export function shifted(frame, pixels) {
  if (pixels === 0) return frame; // as it mostly is, ten times a second
  const result = new Float32Array(frame.length);
  for (let row = 0; row < SIDE; row++) {
    for (let column = 0; column < SIDE; column++) {
      const from = column - pixels;
      if (from >= 0 && from < SIDE) result[row * SIDE + column] = frame[row * SIDE + from];
    }
  }
  return result;
}
