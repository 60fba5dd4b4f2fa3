// @ts-check
// A network's context, and the error of its forecast. A frame is a Float32Array of 0..1.

/** @typedef {(context: Float32Array, action?: number) => Promise<Float32Array>} Predictor from a context, flat, to the next frame */

/**
 * Sum of squared differences over a frame: the error that the book's tables give.
 * @param {Float32Array} truth
 * @param {Float32Array} forecast
 */
export function squaredError(truth, forecast) {
  return truth.reduce((sum, value, place) => sum + (value - forecast[place]) ** 2, 0);
}

const STILL = (0.5 / 255) ** 2; // an error of copying below half a grey level (root mean square) means that nothing moves

/**
 * Skill over the same frames: 1 - error ÷ error of copying the last frame, or null where nothing moves.
 * @param {number[]} errors of each frame, the last one last
 * @param {number[]} copying the same, of copying; where there are more of one than of the other, the last ones count
 * @param {number} pixels of a frame
 */
export function skill(errors, copying, pixels) {
  const count = Math.min(errors.length, copying.length);
  const sum = (/** @type {number[]} */ values) => values.slice(values.length - count).reduce((all, value) => all + value, 0);
  return sum(copying) < count * pixels * STILL ? null : 1 - sum(errors) / sum(copying);
}

/** The last frames of a clip, oldest first. */
export class Context {
  /** @param {number} length frames that it holds */
  constructor(length) {
    this.length = length;
    /** @type {Float32Array[]} */
    this.frames = [];
  }

  /** @param {Float32Array} frame */
  add(frame) {
    this.frames.push(frame);
    if (this.frames.length > this.length) this.frames.shift();
  }

  get full() {
    return this.frames.length === this.length;
  }

  copy() {
    const copied = new Context(this.length);
    copied.frames = [...this.frames];
    return copied;
  }

  /** All frames in one array, as a network takes them; each of them changed first, if asked for. */
  flat(change = (frame) => frame) {
    const frames = this.frames.map(change);
    const values = new Float32Array(frames.length * frames[0].length);
    frames.forEach((frame, index) => values.set(frame, index * frame.length));
    return values;
  }
}
