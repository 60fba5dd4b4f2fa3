// Square frames and error maps on canvases, one canvas pixel a frame's pixel; the page's style enlarges them.

function paint(canvas, pixels, colour) {
  const side = Math.sqrt(pixels);
  canvas.width = side;
  canvas.height = side;
  const pen = canvas.getContext("2d");
  const picture = pen.createImageData(side, side);
  for (let place = 0; place < pixels; place++) picture.data.set(colour(place), 4 * place);
  pen.putImageData(picture, 0, 0);
}

/** A frame in greys. */
export function showFrame(canvas, frame) {
  paint(canvas, frame.length, (place) => {
    const grey = 255 * frame[place];
    return [grey, grey, grey, 255];
  });
}

/** Where a forecast is too bright, red; too dark, blue; right, white: as in the book's figures. */
export function showError(canvas, truth, forecast, largest = 0.5) {
  paint(canvas, truth.length, (place) => {
    const error = Math.max(-1, Math.min(1, (forecast[place] - truth[place]) / largest));
    const pale = 255 * (1 - Math.abs(error));
    return error > 0 ? [255, pale, pale, 255] : [pale, pale, 255, 255];
  });
}
