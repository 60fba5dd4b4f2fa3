// The moving digits of the page "Try it": run by `make test` with node's own test runner.

import assert from "node:assert/strict";
import test from "node:test";

import * as movingDigits from "../../book/site/live/movingDigits.js";

const { DIGIT, SIDE } = movingDigits;
const ROOM = SIDE - DIGIT; // how far a corner can go
const white = new Uint8ClampedArray(DIGIT * DIGIT).fill(255);
const sum = (frame) => frame.reduce((total, value) => total + value, 0);

test("a digit on whole pixels is drawn as it is", () => {
  const frame = movingDigits.drawn([movingDigits.digit(white, { x: 3, y: 5 })]);
  assert.equal(frame.length, SIDE * SIDE);
  assert.equal(sum(frame), DIGIT * DIGIT);
  assert.equal(frame[5 * SIDE + 3], 1);
  assert.equal(frame[5 * SIDE + 2], 0);
  assert.equal(frame[(5 + DIGIT) * SIDE + 3], 0);
});

test("between pixels, a digit keeps its light and shares it out", () => {
  const frame = movingDigits.drawn([movingDigits.digit(white, { x: 3.25, y: 5 })]);
  assert.ok(Math.abs(sum(frame) - DIGIT * DIGIT) < 1e-3);
  assert.ok(Math.abs(frame[5 * SIDE + 3] - 0.75) < 1e-6);
  assert.ok(Math.abs(frame[5 * SIDE + 3 + DIGIT] - 0.25) < 1e-6);
});

test("where digits overlap, the brighter pixel shows", () => {
  const grey = new Uint8ClampedArray(DIGIT * DIGIT).fill(51);
  const frame = movingDigits.drawn([movingDigits.digit(grey, { x: 0, y: 0 }), movingDigits.digit(white, { x: 8, y: 0 })]);
  assert.ok(Math.abs(frame[0] - 0.2) < 1e-6);
  assert.equal(frame[8], 1);
});

test("a digit never leaves the frame, and keeps its speed", () => {
  for (const speed of [0.5, 2.5, 5]) {
    let digit = movingDigits.digit(white, { x: 1, y: 15, speed, angle: 2.1 });
    for (let step = 0; step < 500; step++) {
      digit = movingDigits.moved(digit);
      assert.ok(digit.x >= 0 && digit.x <= SIDE - DIGIT && digit.y >= 0 && digit.y <= SIDE - DIGIT);
    }
    assert.ok(Math.abs(Math.hypot(digit.vx, digit.vy) - speed) < 1e-9);
  }
});

test("at a wall a digit goes back as far as it would have gone on", () => {
  const moved = movingDigits.moved({ image: white, x: 1, y: ROOM - 1, vx: -3, vy: 2.5 });
  assert.deepEqual(moved, { image: white, x: 2, y: ROOM - 1.5, vx: 3, vy: -2.5 });
  assert.deepEqual(movingDigits.moved(moved), { image: white, x: 5, y: ROOM - 4, vx: 3, vy: -2.5 });
  assert.deepEqual(movingDigits.moved({ image: white, x: ROOM - 1, y: 1, vx: 2.5, vy: -3 }),
    { image: white, x: ROOM - 1.5, y: 2, vx: -2.5, vy: 3 });
});

test("a wall turns a digit by chance, and back into the frame", () => {
  const atCorner = { image: white, x: 0, y: ROOM, vx: -3, vy: 4 };
  const { x, y, vx, vy } = movingDigits.movedByChance(atCorner, 0.75 * Math.PI); // down and to the left, out of the frame
  const step = 5 * Math.SQRT1_2;
  for (const [here, expected] of [[x, step], [y, ROOM - step], [vx, step], [vy, -step]]) assert.ok(Math.abs(here - expected) < 1e-9);
});

test("in the open, no chance turns a digit, and it stops at the wall", () => {
  const digit = { image: white, x: 2, y: 5, vx: -3, vy: 1 };
  assert.deepEqual(movingDigits.movedByChance(digit, 1), { ...digit, x: 0, y: 6 });
  assert.deepEqual([digit, { ...digit, x: 0 }, { ...digit, y: ROOM }].map(movingDigits.isAtWall), [false, true, true]);
});

test("a hand cannot push a digit through a wall", () => {
  assert.deepEqual([-3, 0, 5.5, ROOM, ROOM + 0.5].map(movingDigits.within), [0, 0, 5.5, ROOM, ROOM]);
});

test("a change of speed keeps a direction to the left and upwards", () => {
  const digit = movingDigits.atSpeed({ image: white, x: 4, y: 4, vx: -3, vy: -4 }, 10);
  assert.deepEqual([digit.vx, digit.vy], [-6, -8]);
});

test("a change of speed keeps the direction", () => {
  const digit = movingDigits.atSpeed(movingDigits.digit(white, { speed: 2, angle: 0.5 }), 4);
  assert.ok(Math.abs(Math.atan2(digit.vy, digit.vx) - 0.5) < 1e-9);
  assert.ok(Math.abs(Math.hypot(digit.vx, digit.vy) - 4) < 1e-9);
  assert.equal(movingDigits.atSpeed({ ...digit, vx: 0, vy: 0 }, 1).vx, 1);
});

test("a shift and the shift back change nothing but what was lost at the edge", () => {
  const frame = movingDigits.drawn([movingDigits.digit(white, { x: 8, y: 8 })]);
  assert.deepEqual(movingDigits.shifted(movingDigits.shifted(frame, 3), -3), frame);
  assert.equal(sum(movingDigits.shifted(frame, SIDE)), 0);
});

test("a shift by a number above 0 goes to the right", () => {
  const frame = new Float32Array(SIDE * SIDE);
  frame[5 * SIDE + 10] = 1;
  assert.equal(movingDigits.shifted(frame, 3).indexOf(1), 5 * SIDE + 13);
  assert.equal(movingDigits.shifted(frame, -3).indexOf(1), 5 * SIDE + 7);
  assert.deepEqual(movingDigits.shifted(frame, 22), new Float32Array(SIDE * SIDE)); // it does not come in again
});

test("a dot fades over one pixel, about its radius of 1.3 pixels", () => {
  const image = movingDigits.dotted(new Uint8ClampedArray(DIGIT * DIGIT), 4.5, 7.5);
  const right = [0, 1, 2, 3].map((pixels) => image[7 * DIGIT + 4 + pixels]);
  assert.deepEqual(right, [255, Math.round(255 * 0.8), 0, 0]);
  const above = [0, 1, 2, 3].map((pixels) => image[(7 - pixels) * DIGIT + 4]);
  assert.deepEqual(above, right);
});

test("a dot is bright in its middle, dark far from it, and erases nothing", () => {
  const dark = new Uint8ClampedArray(DIGIT * DIGIT);
  const image = movingDigits.dotted(dark, 4.5, 7.5);
  assert.equal(image[7 * DIGIT + 4], 255);
  assert.equal(image[7 * DIGIT + 12], 0);
  assert.equal(dark[7 * DIGIT + 4], 0);
  assert.equal(movingDigits.dotted(image, 12.5, 7.5)[7 * DIGIT + 4], 255);
});

test("a stroke leaves no gaps, however fast the hand", () => {
  const empty = new Uint8ClampedArray(DIGIT * DIGIT);
  const line = movingDigits.stroked(empty, { x: 1.5, y: 8.5 }, { x: 14.5, y: 8.5 });
  assert.ok(line.slice(8 * DIGIT + 1, 8 * DIGIT + 15).every((value) => value === 255));
  assert.equal(line[2 * DIGIT + 8], 0);
  assert.deepEqual(movingDigits.stroked(empty, { x: 3, y: 3 }, { x: 3, y: 3 }), movingDigits.dotted(empty, 3, 3));
  assert.equal(sum(empty), 0);
});
