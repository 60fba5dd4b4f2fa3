// The film of digits on the page "Try it", made by the reader's hand, and the trained networks' forecasts of its next
// frame.

import * as film from "./film.js";
import { Context } from "./frames.js";
import * as networks from "./networks.js";
import { showFrame } from "./pictures.js";
import { Stage } from "./stage.js";

const FRAMES_A_SECOND = 10;
const STEP = 1; // pixels that an arrow key moves a digit by
const DRAG_HINT = "Drag a digit. Arrow keys move the first one, with Shift the second.";
const DRAW_HINT = "Draw inside the dashed square.";

const root = document.getElementById("live");
const stage = new Stage(root);
const part = (name) => stage.part(name);

const world = {
  digits: [],
  images: [],
  next: 0, // of the images, to be taken
  held: null, // the digit under the finger, and where the finger has it
  drawing: false,
  paused: false,
  due: 0, // frames that come although the film is paused, since something has changed
  dreaming: false,
  speed: 1.5,
  shift: 0,
};
let context; // what the networks see

/** Digits of the test films, 16×16 each, side by side in one picture. */
async function readDigits() {
  const picture = new Image();
  picture.src = new URL("digits.png", import.meta.url);
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(picture, 0, 0);
  const { DIGIT } = film;
  return Array.from({ length: picture.width / DIGIT }, (_, index) => {
    const { data } = pen.getImageData(index * DIGIT, 0, DIGIT, DIGIT);
    return Uint8ClampedArray.from({ length: DIGIT * DIGIT }, (_, place) => data[4 * place]);
  });
}

function takeDigits() {
  const take = () => world.images[world.next++ % world.images.length];
  world.digits = [
    film.digit(take(), { x: 2, y: 4, speed: world.speed, angle: 0.6 }),
    film.digit(take(), { x: 14, y: 9, speed: world.speed, angle: 2.5 }),
  ];
}

/** A row comes: at the earliest, it forecasts from one frame and is shown beside the next. */
function addRow(title, predict, note) {
  world.due = 2;
  return stage.addRow(title, film.SIDE).learn(predict, note);
}

/** Ask each forecast for the next frame, from what is seen so far; in a dream, from what it said itself. */
async function forecastAll() {
  if (!context.full) return;
  const { shift } = world;
  for (const row of stage.rows) {
    if (world.dreaming) row.dream ??= context.copy();
    const said = await row.predict((row.dream ?? context).flat((frame) => film.shifted(frame, shift)));
    row.next = film.shifted(said, -shift);
  }
}

/** The next frame comes: show it beside what was said, and say what comes next. */
async function tick() {
  if (world.paused && context.full && world.held === null && world.due-- <= 0) return;
  if (!world.paused && !world.drawing) {
    world.digits = world.digits.map((digit, index) => (index === world.held?.index ? digit : film.moved(digit)));
  }
  const truth = film.drawn(world.digits);
  showFrame(part("truth"), truth);
  for (const row of stage.rows) {
    row.show(truth);
    if (row.next) row.dream?.add(row.next);
  }
  context.add(truth);
  stage.showStrip(context);
  await forecastAll();
}

/** Feed each network its own forecasts, from now on and all from the same frames; or wake them all. */
function dream(on) {
  world.dreaming = on;
  world.due = 2;
  for (const row of stage.rows) {
    row.dream = null;
    row.forget();
  }
  stage.press("dream", on);
}

/** Begin an empty shape in the middle of the frame, or let the one that was drawn go. */
function draw(on) {
  world.drawing = on;
  world.held = null;
  world.due = 1;
  const middle = { x: film.SIDE / 4, y: film.SIDE / 4, speed: world.speed };
  if (on) world.digits = [film.digit(new Uint8ClampedArray(film.DIGIT ** 2), middle)];
  part("frame").classList.toggle("live-drawing", on);
  part("draw").textContent = on ? "Let it go" : "Draw your own";
  part("hint").textContent = on ? DRAW_HINT : DRAG_HINT;
}

function listenToHands() {
  const canvas = part("truth");
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const scale = film.SIDE / box.width;
    return { x: (event.clientX - box.left) * scale, y: (event.clientY - box.top) * scale };
  };
  const nearest = ({ x, y }) => {
    const distances = world.digits.map((digit) => Math.hypot(digit.x + film.DIGIT / 2 - x, digit.y + film.DIGIT / 2 - y));
    return distances.indexOf(Math.min(...distances));
  };
  const put = (index, { x, y }) => {
    world.digits[index] = { ...world.digits[index], x: film.within(x), y: film.within(y) };
    world.due = 1;
  };
  const draw = (index, from, to) => {
    const digit = world.digits[index];
    const inside = ({ x, y }) => ({ x: x - digit.x, y: y - digit.y });
    world.digits[index] = { ...digit, image: film.stroked(digit.image, inside(from), inside(to)) };
    world.due = 1;
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    const at = place(event);
    const index = nearest(at);
    const grip = { x: at.x - world.digits[index].x, y: at.y - world.digits[index].y };
    const isOnIt = Math.min(grip.x, grip.y) >= 0 && Math.max(grip.x, grip.y) <= film.DIGIT;
    world.held = { index, at, grip: isOnIt ? grip : { x: film.DIGIT / 2, y: film.DIGIT / 2 } };
    if (world.drawing) draw(index, at, at);
    else if (!isOnIt) put(index, { x: at.x - world.held.grip.x, y: at.y - world.held.grip.y });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (world.held === null || !event.isPrimary) return;
    const { index, at: before, grip } = world.held;
    const at = (world.held.at = place(event));
    if (world.drawing) draw(index, before, at);
    else put(index, { x: at.x - grip.x, y: at.y - grip.y });
  });
  for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    canvas.addEventListener(end, (event) => event.isPrimary && (world.held = null));
  }
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[event.key];
    if (!by || world.drawing || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const index = event.shiftKey ? world.digits.length - 1 : 0;
    const { x, y } = world.digits[index];
    put(index, { x: x + by[0], y: y + by[1] });
  });
}

function listenToControls() {
  part("digits").addEventListener("click", () => {
    draw(false);
    takeDigits();
  });
  part("draw").addEventListener("click", () => draw(!world.drawing));
  part("dream").addEventListener("click", () => dream(!world.dreaming));
  stage.slider("speed", (value) => {
    world.speed = value;
    world.digits = world.digits.map((digit) => film.atSpeed(digit, value));
    world.due = 2;
  });
  stage.slider("shift", (value) => {
    world.shift = value;
    world.due = 2;
  });
}

/** A box to tick for each network: it is loaded when it is first chosen, and kept. */
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
      if (row) row = stage.removeRow(row);
      if (!box.checked || loading) return;
      loading = true;
      stage.say(`Loading ${about.title} …`);
      try {
        predict ??= await networks.load(about);
        stage.say("");
        if (box.checked) { // it may have been put away meanwhile
          row = addRow(about.title, predict, `${about.error.toFixed(2)} on the test films`);
          if (world.dreaming) dream(true);
          stage.say(`${about.title} forecasts.`);
        }
      } catch (error) {
        box.checked = false;
        stage.say(`${about.title} could not be loaded: ${error.message}`);
      }
      loading = false;
    });
  }
}

async function start() {
  const [listed, images] = await Promise.all([networks.listed("digits"), readDigits(), networks.loadRuntime()]);
  world.images = images;
  context = new Context(listed[0].frames);
  stage.layStrip(context.length);
  takeDigits();
  part("hint").textContent = DRAG_HINT;
  stage.pausable(world);
  listenToHands();
  listenToControls();
  offer(listed);
  stage.addCopying(film.SIDE);
  stage.open();
  part("truth").focus();
  stage.run(FRAMES_A_SECOND, tick);
  part("networks").querySelector("input").click();
}

if (root) stage.offer(start);
