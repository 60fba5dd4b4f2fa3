// @ts-check
// The moving digits of the page "Try it", pushed about by the reader, and the networks' forecasts of the next frame.

import * as movingDigits from "./movingDigits.js";
import { Context } from "./frames.js";
import * as networks from "./networks.js";
import { showFrame } from "./pictures.js";
import { Demo } from "./demo.js";

const FRAMES_A_SECOND = 10;
const STEP = 1; // pixels that an arrow key moves a digit by
const DRAG_HINT = "Drag a digit. Arrow keys move the first one, with Shift the second.";
const DRAW_HINT = "Draw inside the dashed square.";

const root = document.getElementById("live");
const demo = new Demo(root);
const part = (name) => demo.part(name);

/** @typedef {{x: number, y: number}} Point in pixels of a frame */

const state = {
  /** @type {movingDigits.Digit[]} */
  digits: [],
  /** @type {Uint8ClampedArray[]} */
  images: [],
  next: 0, // of the images, to be taken
  /** @type {{index: number, at: Point, grip: Point} | null} */
  held: null, // the digit under the finger, and where the finger has it
  drawing: false,
  paused: false,
  pendingFrames: 0, // to be shown although the demo is paused, since something has changed
  dreaming: false,
  speed: 1.5,
  shift: 0,
};
/** @type {Context} */
let context; // what the networks see

function takeDigits() {
  const take = () => state.images[state.next++ % state.images.length];
  state.digits = [
    movingDigits.digit(take(), { x: 2, y: 4, speed: state.speed, angle: 0.6 }),
    movingDigits.digit(take(), { x: 14, y: 9, speed: state.speed, angle: 2.5 }),
  ];
}

/**
 * Add a row for a network, and two frames: it forecasts from the first at the earliest, and is shown beside the next.
 * @param {string} title
 * @param {import("./frames.js").Predictor} predict
 * @param {string} note
 */
function addRow(title, predict, note) {
  state.pendingFrames = 2;
  return demo.addRow(title, movingDigits.SIDE).setPredictor(predict, note);
}

/** Let each row forecast the next frame from the context; in a dream, from its own forecasts. */
async function forecastAll() {
  if (!context.full) return;
  const { shift } = state;
  for (const row of demo.rows) {
    if (state.dreaming) row.dream ??= context.copy();
    const said = await row.predict((row.dream ?? context).flat((frame) => movingDigits.shifted(frame, shift)));
    row.next = movingDigits.shifted(said, -shift);
  }
}

/** Show the next frame beside its forecasts, then forecast the one after. */
async function tick() {
  if (state.paused && context.full && state.held === null && state.pendingFrames-- <= 0) return;
  if (!state.paused && !state.drawing) {
    state.digits = state.digits.map((digit, index) => (index === state.held?.index ? digit : movingDigits.moved(digit)));
  }
  const truth = movingDigits.drawn(state.digits);
  showFrame(part("truth"), truth);
  for (const row of demo.rows) {
    row.show(truth);
    if (row.next) row.dream?.add(row.next);
  }
  context.add(truth);
  demo.showStrip(context);
  await forecastAll();
}

/**
 * Feed each network its own forecasts, from now on and all from the same frames; or end this for all.
 * @param {boolean} on
 */
function dream(on) {
  state.dreaming = on;
  state.pendingFrames = 2;
  for (const row of demo.rows) {
    row.dream = null;
    row.reset();
  }
  demo.press("dream", on);
}

/**
 * Begin an empty shape in the middle of the frame, or let the one that was drawn go.
 * @param {boolean} on
 */
function draw(on) {
  state.drawing = on;
  state.held = null;
  state.pendingFrames = 1;
  const middle = { x: movingDigits.SIDE / 4, y: movingDigits.SIDE / 4, speed: state.speed };
  if (on) state.digits = [movingDigits.digit(new Uint8ClampedArray(movingDigits.DIGIT ** 2), middle)];
  part("frame").classList.toggle("live-drawing", on);
  part("draw").textContent = on ? "Let it go" : "Draw";
  part("hint").textContent = on ? DRAW_HINT : DRAG_HINT;
}

function listenToHands() {
  const canvas = part("truth");
  const place = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect();
    const scale = movingDigits.SIDE / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  };
  const nearest = (/** @type {Point} */ { x, y }) => {
    const distances = state.digits.map((digit) => Math.hypot(digit.x + movingDigits.DIGIT / 2 - x, digit.y + movingDigits.DIGIT / 2 - y));
    return distances.indexOf(Math.min(...distances));
  };
  const put = (/** @type {number} */ index, /** @type {Point} */ { x, y }) => {
    state.digits[index] = { ...state.digits[index], x: movingDigits.within(x), y: movingDigits.within(y) };
    state.pendingFrames = 1;
  };
  const draw = (/** @type {number} */ index, /** @type {Point} */ from, /** @type {Point} */ to) => {
    const digit = state.digits[index];
    const inside = (/** @type {Point} */ { x, y }) => ({ x: x - digit.x, y: y - digit.y });
    state.digits[index] = { ...digit, image: movingDigits.stroked(digit.image, inside(from), inside(to)) };
    state.pendingFrames = 1;
  };
  canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (!event.isPrimary || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    const at = place(event);
    const index = nearest(at);
    const grip = { x: at.x - state.digits[index].x, y: at.y - state.digits[index].y };
    const isOnIt = Math.min(grip.x, grip.y) >= 0 && Math.max(grip.x, grip.y) <= movingDigits.DIGIT;
    state.held = { index, at, grip: isOnIt ? grip : { x: movingDigits.DIGIT / 2, y: movingDigits.DIGIT / 2 } };
    if (state.drawing) draw(index, at, at);
    else if (!isOnIt) put(index, { x: at.x - state.held.grip.x, y: at.y - state.held.grip.y });
  });
  canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (state.held === null || !event.isPrimary) return;
    const { index, at: before, grip } = state.held;
    const at = (state.held.at = place(event));
    if (state.drawing) draw(index, before, at);
    else put(index, { x: at.x - grip.x, y: at.y - grip.y });
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(end, (/** @type {PointerEvent} */ event) => event.isPrimary && (state.held = null));
  }
  canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (!by || state.drawing || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const index = event.shiftKey ? state.digits.length - 1 : 0;
    const { x, y } = state.digits[index];
    put(index, { x: x + by[0], y: y + by[1] });
  });
}

function listenToControls() {
  part("digits").addEventListener("click", () => {
    draw(false);
    takeDigits();
  });
  part("draw").addEventListener("click", () => draw(!state.drawing));
  part("dream").addEventListener("click", () => dream(!state.dreaming));
  state.speed = demo.slider("speed", (value) => {
    state.speed = value;
    state.digits = state.digits.map((digit) => movingDigits.atSpeed(digit, value));
    state.pendingFrames = 2;
  });
  state.shift = demo.slider("shift", (value) => {
    state.shift = value;
    state.pendingFrames = 2;
  });
}

/**
 * Add a box to tick for each network: it is loaded when it is first chosen, and kept.
 * @param {any[]} listed models/digits.json
 */
function offer(listed) {
  for (const about of listed) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = about.name;
    label.append(box, ` ${about.title} (${Math.round(about.bytes / 1000)} kB)`);
    part("networks").append(label);
    let row, predict, loading;
    box.addEventListener("change", async () => {
      if (row) row = demo.removeRow(row);
      if (!box.checked || loading) return;
      loading = true;
      demo.showMessage(`Loading ${about.title} …`);
      try {
        predict ??= await networks.load(about);
        demo.showMessage("");
        if (box.checked) { // it may have been put away meanwhile
          row = addRow(about.title, predict, `${about.error.toFixed(2)} on the test clips`);
          if (state.dreaming) dream(true);
          demo.showMessage(`${about.title} forecasts.`);
        }
      } catch (error) {
        box.checked = false;
        demo.showMessage(`${about.title} could not be loaded: ${error.message}`);
      }
      loading = false;
    });
  }
}

async function start() {
  const [listed, images] = await Promise.all([networks.listed("digits"), movingDigits.readImages(), networks.loadRuntime()]);
  state.images = images;
  context = new Context(listed[0].frames);
  demo.layStrip(context.length);
  part("hint").textContent = DRAG_HINT;
  demo.pausable(state);
  listenToHands();
  listenToControls();
  takeDigits(); // at the speed of the slider
  offer(listed);
  demo.addCopying(movingDigits.SIDE);
  demo.open();
  part("truth").focus();
  demo.run(FRAMES_A_SECOND, tick);
  part("networks").querySelector("input").click();
}

if (root) demo.offer(start);
