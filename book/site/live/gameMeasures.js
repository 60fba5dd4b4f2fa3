// @ts-check
// What can be seen in a frame of the game, or of a model of it: as nextframe/datasets/paddle_game.py measures it.

import { CELL, isBehindScreen, PADDLE, PADDLE_ROW, SIDE } from "./paddleGame.js";

const BAR = CELL * PADDLE_ROW; // the row of pixels that the paddle is drawn in
const WIDTH = CELL * PADDLE; // its pixels

/**
 * Where the paddle is: the place at which a bar as wide as it fits its row best.
 * @param {Float32Array} frame
 * @returns {number | null} column of its leftmost pixel; null where less than half of the best fitting bar is lit
 */
export function paddleColumn(frame) {
  // 1 where lit, -1 where dark, 0 next to the ball, where it cannot be told
  const fits = Array.from({ length: SIDE }, (_, column) => {
    const at = (/** @type {number} */ row) => frame[row * SIDE + column];
    return Math.max(at(BAR - 1), at(BAR + 1)) < 0.5 ? 2 * at(BAR) - 1 : 0;
  });
  let [best, most] = [0, -Infinity];
  for (let column = CELL; column + WIDTH <= SIDE - CELL; column++) {
    const fit = fits.slice(column, column + WIDTH).reduce((sum, value) => sum + value, 0);
    if (fit > most) [best, most] = [column, fit];
  }
  return most > 0 ? best : null;
}

/**
 * What is lit where only the ball can be.
 * @param {Float32Array} frame
 * @returns {boolean[]}
 */
function inTheAir(frame) {
  return Array.from(frame, (value, place) => {
    const [row, column] = [Math.floor(place / SIDE), place % SIDE];
    const isWall = row < CELL || column < CELL || column >= SIDE - CELL;
    return !isWall && row !== BAR && !isBehindScreen(row, column) && value > 0.5;
  });
}

/**
 * How many balls can be seen: blobs that do not touch, and at least one for each four pixels that are lit.
 *
 * The number of blobs less their holes follows from each square of four pixels (Gray, 1971).
 * @param {Float32Array} frame
 */
export function numberOfBalls(frame) {
  const lit = inTheAir(frame);
  const at = (/** @type {number} */ row, /** @type {number} */ column) =>
    row >= 0 && column >= 0 && row < SIDE && column < SIDE && lit[row * SIDE + column];
  let corners = 0;
  for (let row = -1; row < SIDE; row++) {
    for (let column = -1; column < SIDE; column++) {
      const four = [at(row, column), at(row, column + 1), at(row + 1, column), at(row + 1, column + 1)];
      const count = four.filter(Boolean).length;
      if (count === 1) corners++;
      if (count === 3) corners--;
      if (count === 2 && four[0] === four[3]) corners -= 2;
    }
  }
  return Math.max(Math.floor(corners / 4), Math.ceil(lit.filter(Boolean).length / CELL ** 2));
}

/**
 * The middle of all that is lit but walls, screen and the paddle's row.
 * @param {Float32Array} frame
 * @returns {{row: number, column: number} | null} null where nothing is
 */
export function ballCentre(frame) {
  let [count, rows, columns] = [0, 0, 0];
  inTheAir(frame).forEach((isLit, place) => {
    if (!isLit) return;
    count++;
    rows += Math.floor(place / SIDE);
    columns += place % SIDE;
  });
  return count ? { row: rows / count, column: columns / count } : null;
}
