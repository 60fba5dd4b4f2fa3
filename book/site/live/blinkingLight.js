// @ts-check
// Clips of a light that repeats a pattern, as the networks were trained on: see nextframe/datasets/memory_tasks.py.

export const SIDE = 16; // of a frame, in pixels
const EDGE = SIDE / 4; // of the light, which is a square in the middle

/**
 * The frame with the light lit or dark.
 * @param {boolean} isLit
 * @returns {Float32Array} SIDE × SIDE values, 0 or 1
 */
export function frame(isLit) {
  const inside = (/** @type {number} */ place) => place >= EDGE && place < SIDE - EDGE;
  return Float32Array.from({ length: SIDE * SIDE }, (_, index) =>
    Number(isLit && inside(index % SIDE) && inside(Math.floor(index / SIDE))),
  );
}

/**
 * A random pattern with at least one lit frame and one dark frame.
 * @param {number} period frames in the pattern, at least 2
 * @returns {boolean[]}
 */
export function anyPattern(period) {
  const pattern = Array.from({ length: period }, () => Math.random() < 0.5);
  return pattern.every((isLit) => isLit === pattern[0]) ? anyPattern(period) : pattern;
}

/**
 * Whether the light is lit in a frame.
 * @param {boolean[]} pattern
 * @param {number} time the frame's number, from 0
 */
export function isLit(pattern, time) {
  return pattern[time % pattern.length];
}

/**
 * The light's brightness in words, in a true frame or a forecast: lit above 2/3, dark below 1/3, grey between.
 * @param {Float32Array} frame
 * @returns {"lit" | "grey" | "dark"}
 */
export function brightnessOf(frame) {
  const middle = frame[(SIDE * SIDE + SIDE) / 2];
  if (middle > 2 / 3) return "lit";
  return middle < 1 / 3 ? "dark" : "grey";
}
