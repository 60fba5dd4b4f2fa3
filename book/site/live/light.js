// Films of a light that repeats a pattern, drawn as those that the networks were trained on: see nextframe/probes.py.

export const SIDE = 16; // of a frame, in pixels
const EDGE = SIDE / 4; // of the light, which is a square in the middle

/** The frame with the light lit or dark. */
export function frame(isLit) {
  const inside = (place) => place >= EDGE && place < SIDE - EDGE;
  return Float32Array.from({ length: SIDE * SIDE }, (_, index) =>
    Number(isLit && inside(index % SIDE) && inside(Math.floor(index / SIDE))),
  );
}

/** A pattern of so many frames, each lit or dark by chance, and not all alike. */
export function anyPattern(period) {
  const pattern = Array.from({ length: period }, () => Math.random() < 0.5);
  return pattern.every((isLit) => isLit === pattern[0]) ? anyPattern(period) : pattern;
}

/** Whether the light is lit in that frame, counted from 0. */
export function isLit(pattern, time) {
  return pattern[time % pattern.length];
}

/** What a frame looks like, truth or forecast. */
export function looks(frame) {
  const middle = frame[(SIDE * SIDE + SIDE) / 2];
  if (middle > 2 / 3) return "lit";
  return middle < 1 / 3 ? "dark" : "grey";
}
