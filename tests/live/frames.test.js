// What the networks of the page "Try it" see.

import assert from "node:assert/strict";
import test from "node:test";

import { Context, skill, squaredError } from "../../book/site/live/frames.js";

test("the context holds the last frames only, oldest first", () => {
  const context = new Context(3);
  for (const value of [1, 2, 3, 4]) {
    assert.equal(context.full, value > 3);
    context.add(new Float32Array(6).fill(value));
  }
  assert.deepEqual(context.flat(), Float32Array.from([2, 3, 4].flatMap((value) => Array(6).fill(value))));
  const copied = context.copy();
  copied.add(new Float32Array(6));
  assert.equal(context.frames.at(-1)[0], 4);
  assert.equal(copied.frames.at(-1)[0], 0);
});

test("frames can be changed on their way to a network, and stay as they are", () => {
  const context = new Context(2);
  for (const value of [1, 2]) context.add(new Float32Array(2).fill(value));
  assert.deepEqual(context.flat((frame) => frame.map((value) => 10 * value)), Float32Array.of(10, 10, 20, 20));
  assert.deepEqual(context.flat(), Float32Array.of(1, 1, 2, 2));
});

test("the error is the sum of squares over a frame", () => {
  const black = new Float32Array(16);
  const grey = new Float32Array(16).fill(0.5);
  assert.equal(squaredError(black, grey), 4);
});

test("skill is 0 for copying, 1 for a perfect forecast, and unknown where nothing moves", () => {
  assert.equal(skill([4, 6], [4, 6], 16), 0);
  assert.equal(skill([0, 0], [4, 6], 16), 1);
  assert.equal(skill([1, 1.5], [4, 6], 16), 0.75);
  assert.equal(skill([8, 12], [4, 6], 16), -1);
  assert.equal(skill([1], [9, 9, 2], 16), 0.5); // of a row that was added late, the last frames count
  assert.equal(skill([0], [16 * 0.2 / 255 ** 2], 16), null);
});
