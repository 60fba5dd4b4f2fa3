// @ts-check
// Small grey frames out of what a browser shows: a square from the middle of a video, scaled down.

const FINEST = 4; // canvas pixels that are averaged to one of a frame, each way, at most

/**
 * The largest square in the middle of a picture, and how many canvas pixels a side it is drawn with for each of a frame.
 *
 * Browsers scale down badly by large factors, so the last step, by a whole number, is ours: see `grey`.
 * @param {number} width of the picture, in pixels
 * @param {number} height
 * @param {number} side of a frame, in pixels
 */
export function square(width, height, side) {
  const edge = Math.min(width, height);
  return {
    left: (width - edge) / 2,
    top: (height - edge) / 2,
    edge,
    zoom: Math.min(FINEST, Math.max(1, Math.ceil(edge / side))),
  };
}

/**
 * A grey frame: the brightness of each block of zoom × zoom coloured pixels, weighted as television does (BT.601).
 * @param {Uint8ClampedArray} pixels red, green, blue and alpha of (side · zoom)² pixels
 * @param {number} side
 * @param {number} zoom
 * @returns {Float32Array} side × side values, 0..1
 */
export function grey(pixels, side, zoom) {
  const across = side * zoom;
  return Float32Array.from({ length: side * side }, (_, index) => {
    const first = (Math.floor(index / side) * across + (index % side)) * zoom; // the block's upper left pixel
    let light = 0;
    for (let row = 0; row < zoom; row++) {
      for (let place = first + row * across; place < first + row * across + zoom; place++) {
        light += 0.299 * pixels[4 * place] + 0.587 * pixels[4 * place + 1] + 0.114 * pixels[4 * place + 2];
      }
    }
    return light / (255 * zoom * zoom);
  });
}

/**
 * What a video shows now, as a frame.
 * @param {HTMLVideoElement} video
 * @param {number} side
 * @param {HTMLCanvasElement} canvas to draw on
 */
export function frameOf(video, side, canvas) {
  const { left, top, edge, zoom } = square(video.videoWidth, video.videoHeight, side);
  canvas.width = canvas.height = side * zoom;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.imageSmoothingQuality = "high";
  pen.drawImage(video, left, top, edge, edge, 0, 0, canvas.width, canvas.height);
  return grey(pen.getImageData(0, 0, canvas.width, canvas.height).data, side, zoom);
}
