// The game of the page "Try it"; tests/browser holds it against Python's.

import assert from "node:assert/strict";
import test from "node:test";

import { CELL, render, serve, SIDE, step } from "../../book/site/live/paddleGame.js";

test("a paddle goes one cell a key, and no further than the walls", () => {
  const state = { column: 7, row: 3, across: 0, down: 1, paddle: 2 };
  assert.deepEqual([0, 1, 2].map((action) => step(state, action).paddle), [2, 1, 3]);
  assert.equal(step({ ...state, paddle: 1 }, 1).paddle, 1);
  assert.equal(step({ ...state, paddle: 12 }, 2).paddle, 12);
});

test("a ball that meets the paddle goes up, to the side that it was hit on", () => {
  const met = (/** @type {number} */ column, across = 0) => step({ column: column - across, row: 12, across, down: 1, paddle: 6 }, 0);
  assert.deepEqual([6, 7, 8].map((column) => met(column).across), [-1, 0, 1]);
  assert.equal(met(7, -1).across, -1);
  assert.deepEqual([5, 6, 9].map((column) => met(column).down), [1, -1, 1]);
});

test("a serve can be drawn, and behind the screen no ball is seen", () => {
  for (let tries = 0; tries < 50; tries++) {
    const served = serve();
    assert.equal(render(served)[CELL * served.row * SIDE + CELL * served.column], 1);
    assert.ok(served.paddle >= 1 && served.paddle <= 12);
  }
  const hidden = { column: 7, row: 6, across: 0, down: 1, paddle: 6 };
  assert.deepEqual(render(hidden), render({ ...hidden, column: 8, row: 7 }));
});
