// @ts-check
// A network's context, and the error of its forecast. A frame is a Float32Array of 0..1.

/** @typedef {(context: Float32Array) => Promise<Float32Array>} Predictor from a context, flat, to the next frame */

/**
 * Sum of squared differences over a frame: the error that the book's tables give.
 * @param {Float32Array} truth
 * @param {Float32Array} forecast
 */
export function squaredError(truth, forecast) {
  return truth.reduce((sum, value, place) => sum + (value - forecast[place]) ** 2, 0);
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
