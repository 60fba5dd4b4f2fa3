// @ts-check
// Square frames and error maps on canvases, one canvas pixel a frame's pixel; the page's style enlarges them.

// The anchors of matplotlib's colour map RdBu_r, which the book's figures use for errors: dark blue to dark red
const ANCHORS = [
  [5, 48, 97],
  [33, 102, 172],
  [67, 147, 195],
  [146, 197, 222],
  [209, 229, 240],
  [247, 247, 247],
  [253, 219, 199],
  [244, 165, 130],
  [214, 96, 77],
  [178, 24, 43],
  [103, 0, 31],
];
const LEVELS = 256; // colours that matplotlib makes of the anchors, evenly spaced

/**
 * The colour of an error in the book's figures.
 * @param {number} error -1 (much too dark) to 1 (much too bright); beyond, the end's colour
 * @returns {number[]} red, green and blue, 0..255
 */
export function errorColour(error) {
  return COLOURS[Math.min(LEVELS - 1, Math.max(0, Math.floor(((error + 1) / 2) * LEVELS)))];
}

const COLOURS = Array.from({ length: LEVELS }, (_, level) => {
  const place = (level / (LEVELS - 1)) * (ANCHORS.length - 1);
  const below = Math.min(Math.floor(place), ANCHORS.length - 2);
  return ANCHORS[below].map((value, channel) => value + (ANCHORS[below + 1][channel] - value) * (place - below));
});

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} pixels
 * @param {(data: Uint8ClampedArray, place: number) => void} colour puts red, green and blue of a pixel, 0..255, from 4 × place on
 */
function paint(canvas, pixels, colour) {
  const side = Math.sqrt(pixels);
  if (canvas.width !== side) canvas.width = side;
  if (canvas.height !== side) canvas.height = side;
  const pen = canvas.getContext("2d");
  const picture = pen.createImageData(side, side);
  for (let place = 0; place < pixels; place++) {
    colour(picture.data, place);
    picture.data[4 * place + 3] = 255;
  }
  pen.putImageData(picture, 0, 0);
}

/**
 * A frame in greys.
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} frame
 */
export function showFrame(canvas, frame) {
  paint(canvas, frame.length, (data, place) => data.fill(255 * frame[place], 4 * place, 4 * place + 3));
}

/**
 * Where a forecast is too bright, red; too dark, blue; right, white: as in the book's figures.
 * @param {HTMLCanvasElement} canvas
 * @param {Float32Array} truth
 * @param {Float32Array} forecast
 * @param {number} [largest] error that is drawn in full colour
 */
export function showError(canvas, truth, forecast, largest = 0.5) {
  paint(canvas, truth.length, (data, place) => data.set(errorColour((forecast[place] - truth[place]) / largest), 4 * place));
}
