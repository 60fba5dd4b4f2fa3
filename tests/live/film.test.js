// The film of the page "Try it": run by `make test` with node's own test runner.

import assert from "node:assert/strict";
import test from "node:test";

import * as film from "../../book/site/live/film.js";

const { DIGIT, SIDE } = film;
const white = new Uint8ClampedArray(DIGIT * DIGIT).fill(255);
const sum = (frame) => frame.reduce((total, value) => total + value, 0);

test("a digit on whole pixels is drawn as it is", () => {
  const frame = film.drawn([film.digit(white, { x: 3, y: 5 })]);
  assert.equal(frame.length, SIDE * SIDE);
  assert.equal(sum(frame), DIGIT * DIGIT);
  assert.equal(frame[5 * SIDE + 3], 1);
  assert.equal(frame[5 * SIDE + 2], 0);
  assert.equal(frame[(5 + DIGIT) * SIDE + 3], 0);
});

test("between pixels, a digit keeps its light and shares it out", () => {
  const frame = film.drawn([film.digit(white, { x: 3.25, y: 5 })]);
  assert.ok(Math.abs(sum(frame) - DIGIT * DIGIT) < 1e-3);
  assert.ok(Math.abs(frame[5 * SIDE + 3] - 0.75) < 1e-6);
  assert.ok(Math.abs(frame[5 * SIDE + 3 + DIGIT] - 0.25) < 1e-6);
});

test("where digits overlap, the brighter pixel shows", () => {
  const grey = new Uint8ClampedArray(DIGIT * DIGIT).fill(51);
  const frame = film.drawn([film.digit(grey, { x: 0, y: 0 }), film.digit(white, { x: 8, y: 0 })]);
  assert.ok(Math.abs(frame[0] - 0.2) < 1e-6);
  assert.equal(frame[8], 1);
});

test("a digit never leaves the frame, and keeps its speed", () => {
  for (const speed of [0.5, 2.5, 5]) {
    let digit = film.digit(white, { x: 1, y: 15, speed, angle: 2.1 });
    for (let step = 0; step < 500; step++) {
      digit = film.moved(digit);
      assert.ok(digit.x >= 0 && digit.x <= SIDE - DIGIT && digit.y >= 0 && digit.y <= SIDE - DIGIT);
    }
    assert.ok(Math.abs(Math.hypot(digit.vx, digit.vy) - speed) < 1e-9);
  }
});

test("a change of speed keeps the direction", () => {
  const digit = film.atSpeed(film.digit(white, { speed: 2, angle: 0.5 }), 4);
  assert.ok(Math.abs(Math.atan2(digit.vy, digit.vx) - 0.5) < 1e-9);
  assert.ok(Math.abs(Math.hypot(digit.vx, digit.vy) - 4) < 1e-9);
  assert.equal(film.atSpeed({ ...digit, vx: 0, vy: 0 }, 1).vx, 1);
});

test("a shift and the shift back change nothing but what was lost at the edge", () => {
  const frame = film.drawn([film.digit(white, { x: 8, y: 8 })]);
  assert.deepEqual(film.shifted(film.shifted(frame, 3), -3), frame);
  assert.equal(sum(film.shifted(frame, SIDE)), 0);
});

test("a dot is bright in its middle, dark far from it, and erases nothing", () => {
  const dark = new Uint8ClampedArray(DIGIT * DIGIT);
  const image = film.dotted(dark, 4.5, 7.5);
  assert.equal(image[7 * DIGIT + 4], 255);
  assert.equal(image[7 * DIGIT + 12], 0);
  assert.equal(dark[7 * DIGIT + 4], 0);
  assert.equal(film.dotted(image, 12.5, 7.5)[7 * DIGIT + 4], 255);
});

test("a stroke leaves no gaps, however fast the hand", () => {
  const empty = new Uint8ClampedArray(DIGIT * DIGIT);
  const line = film.stroked(empty, { x: 1.5, y: 8.5 }, { x: 14.5, y: 8.5 });
  assert.ok(line.slice(8 * DIGIT + 1, 8 * DIGIT + 15).every((value) => value === 255));
  assert.equal(line[2 * DIGIT + 8], 0);
  assert.deepEqual(film.stroked(empty, { x: 3, y: 3 }, { x: 3, y: 3 }), film.dotted(empty, 3, 3));
  assert.equal(sum(empty), 0);
});
