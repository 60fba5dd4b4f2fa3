// Frames out of a video, on the page "Try it".

import assert from "node:assert/strict";
import test from "node:test";

import { grey, square } from "../../book/site/live/videoFrames.js";

test("the square is the largest in the middle", () => {
  assert.deepEqual(square(320, 240, 64), { left: 40, top: 0, edge: 240, zoom: 4 });
  assert.deepEqual(square(90, 160, 64), { left: 0, top: 35, edge: 90, zoom: 2 });
  assert.equal(square(32, 32, 64).zoom, 1);
});

test("a frame's pixel is the mean brightness of its block", () => {
  const colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]];
  const across = [0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 3, 3, 2, 2, 3, 3]; // blocks of 2×2 pixels, one of each colour
  const pixels = Uint8ClampedArray.from(across.flatMap((index) => [...colours[index], 255]));
  [0.299, 0.587, 0.114, 1].forEach((light, place) => assert.ok(Math.abs(grey(pixels, 2, 2)[place] - light) < 1e-6));
  const mixed = Uint8ClampedArray.from(colours.flatMap((colour) => [...colour, 255]));
  assert.ok(Math.abs(grey(mixed, 1, 2)[0] - 0.5) < 1e-6);
});
