// @ts-check
// Futures drawn from a network, as nextframe/sampling.py draws them, and where in a frame the light is.

import { rolledOut } from "./rollout.js";

/** @typedef {(context: Float32Array) => Promise<{frames: Float32Array[], odds: Float32Array}>} Drawer the next frames that may come, and the odds of each */
/** @typedef {{frames: Float32Array[], odds: number[]}} Future frames, and the odds that each had when it was drawn */

/**
 * A source of chance: the same seed gives the same numbers. (Mulberry32, by Tommy Ettinger.)
 * @param {number} seed
 * @returns {() => number} from 0 to below 1
 */
export function seeded(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), seed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * Which of several things is drawn: the first one whose odds, added to those before it, exceed a number by chance.
 * @param {ArrayLike<number>} odds
 * @param {number} chance from 0 to below 1
 */
export function chosen(odds, chance) {
  let which = 0;
  // in 32 bits, as Python adds them; the last one takes what is left
  for (let sum = odds[0]; sum <= chance && which < odds.length - 1; sum = Math.fround(sum + odds[which])) which++;
  return which;
}

/**
 * Draw one future: each frame that is drawn joins the past, and the next is drawn from it.
 * @param {Drawer} draw
 * @param {import("./frames.js").Context} context is left as it is
 * @param {number[]} chances a number from 0 to below 1 for each frame
 * @returns {Promise<Future>}
 */
export async function drawnFuture(draw, context, chances) {
  /** @type {number[]} */
  const odds = [];
  const next = async (/** @type {Float32Array} */ values) => {
    const said = await draw(values);
    const which = chosen(said.odds, chances[odds.length]);
    odds.push(said.odds[which]);
    return said.frames[which];
  };
  return { frames: await rolledOut(next, context, chances.length), odds };
}

/**
 * In which quarter of a square frame the middle of its light is, in words.
 * @param {Float32Array} frame
 */
export function quarter(frame) {
  const side = Math.sqrt(frame.length);
  const middle = (side - 1) / 2;
  let [across, down] = [0, 0];
  frame.forEach((value, place) => {
    across += value * ((place % side) - middle);
    down += value * (Math.floor(place / side) - middle);
  });
  return `${down < 0 ? "upper" : "lower"} ${across < 0 ? "left" : "right"}`;
}

/**
 * How often each word comes, the most frequent one first.
 * @param {string[]} words
 */
export function counted(words) {
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}
