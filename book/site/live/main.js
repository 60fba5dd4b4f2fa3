// The page "Try it": a film made by the reader's hand, and the trained networks' forecasts of its next frame.

import * as film from "./film.js";
import * as networks from "./networks.js";
import { showError, showFrame } from "./pictures.js";

const FRAMES_A_SECOND = 10;
const AVERAGED = 10; // frames that a row's error is the mean of
const STEP = 1; // pixels that an arrow key moves a digit by
const DRAG_HINT = "Drag a digit. Arrow keys move the first one, with Shift the second.";
const DRAW_HINT = "Draw inside the dashed square.";

const root = document.getElementById("live");
const part = (name) => root.querySelector(`[data-part="${name}"]`);
const say = (text) => (part("message").textContent = text);

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
let rows = []; // one for each forecast that is shown

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

/** A row of the page: a forecast, where it errs, and its error over the last ten frames. */
function addRow(title, predict, error) {
  const row = document.createElement("div");
  row.className = "live-row";
  row.innerHTML = `<h3></h3><canvas role="img"></canvas><canvas role="img"></canvas><p></p>`;
  const [forecast, errors] = row.querySelectorAll("canvas");
  row.querySelector("h3").textContent = title;
  forecast.setAttribute("aria-label", `Forecast of ${title}`);
  errors.setAttribute("aria-label", `Error of ${title}: red is too bright, blue too dark`);
  part("rows").append(row);
  for (const canvas of [forecast, errors]) showFrame(canvas, new Float32Array(film.SIDE ** 2));
  world.due = 2; // one to forecast from, one to be shown beside its forecast
  const added = { row, title, predict, error, forecast, errors, said: row.querySelector("p"), recent: [], dream: null };
  rows.push(added);
  return added;
}

function removeRow(row) {
  row.row.remove();
  rows = rows.filter((other) => other !== row);
}

/** Ask each forecast for the next frame, from what is seen so far; in a dream, from what it said itself. */
async function forecastAll() {
  if (!context.full) return;
  for (const row of rows) {
    if (world.dreaming) row.dream ??= context.copy();
    const said = await row.predict((row.dream ?? context).flat(world.shift));
    row.next = world.shift ? film.shifted(said, -world.shift) : said;
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
  for (const row of rows) {
    if (!row.next) continue;
    showFrame(row.forecast, row.next);
    showError(row.errors, truth, row.next);
    row.recent.push(film.squaredError(truth, row.next));
    row.recent = row.recent.slice(-AVERAGED);
    const mean = row.recent.reduce((sum, value) => sum + value, 0) / row.recent.length;
    const onTest = row.error === undefined ? "" : `; ${row.error.toFixed(2)} on the test films`;
    row.said.textContent = `error ${mean.toFixed(1)}${onTest}`;
    row.dream?.add(row.next);
  }
  context.add(truth);
  context.frames.forEach((frame, index) => showFrame(part("strip").children[index], frame));
  await forecastAll();
}

/** Ten frames a second, or as many as this machine can. */
async function run() {
  const began = performance.now();
  try {
    await tick();
  } catch (error) {
    say(`The film stopped: ${error.message}. Reload the page to go on.`);
    throw error;
  }
  root.dataset.ticks = Number(root.dataset.ticks ?? 0) + 1;
  setTimeout(run, Math.max(0, 1000 / FRAMES_A_SECOND - (performance.now() - began)));
}

/** Feed each network its own forecasts, from now on and all from the same frames; or wake them all. */
function dream(on) {
  world.dreaming = on;
  world.due = 2;
  for (const row of rows) {
    row.dream = row.next = null; // what was said of another film is not part of this one
    row.recent = [];
  }
  part("dream").setAttribute("aria-pressed", String(on));
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
  part("pause").addEventListener("click", () => {
    world.paused = !world.paused;
    part("pause").setAttribute("aria-pressed", String(world.paused));
  });
  part("digits").addEventListener("click", () => {
    draw(false);
    takeDigits();
  });
  part("draw").addEventListener("click", () => draw(!world.drawing));
  part("dream").addEventListener("click", () => dream(!world.dreaming));
  const slider = (name, change) => {
    const show = () => {
      change(Number(part(name).value));
      part(`${name}-value`).textContent = part(name).value;
      part(name).setAttribute("aria-valuetext", part(name).parentElement.textContent.split(":")[1].trim());
      world.due = 2;
    };
    part(name).addEventListener("input", show);
    show();
  };
  slider("speed", (value) => {
    world.speed = value;
    world.digits = world.digits.map((digit) => film.atSpeed(digit, value));
  });
  slider("shift", (value) => (world.shift = value));
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
      if (row) row = removeRow(row);
      if (!box.checked || loading) return;
      loading = true;
      say(`Loading ${about.title} …`);
      try {
        predict ??= await networks.load(about);
        say("");
        if (box.checked) { // it may have been put away meanwhile
          row = addRow(about.title, predict, about.error);
          if (world.dreaming) dream(true);
          say(`${about.title} forecasts.`);
        }
      } catch (error) {
        box.checked = false;
        say(`${about.title} could not be loaded: ${error.message}`);
      }
      loading = false;
    });
  }
}

async function start() {
  part("start").disabled = true;
  say("Loading …");
  try {
    const [listed, images] = await Promise.all([networks.listed(), readDigits(), networks.loadRuntime()]);
    world.images = images;
    context = new film.Context(listed[0].frames);
    part("strip").replaceChildren(...Array.from({ length: context.length }, () => document.createElement("canvas")));
    takeDigits();
    part("hint").textContent = DRAG_HINT;
    world.paused = matchMedia("(prefers-reduced-motion: reduce)").matches;
    part("pause").setAttribute("aria-pressed", String(world.paused));
    listenToHands();
    listenToControls();
    offer(listed);
    addRow("the last frame, copied", async (values) => values.slice(-(film.SIDE ** 2)));
    part("ask").hidden = true;
    part("stage").hidden = false;
    part("truth").focus();
    run();
    part("networks").querySelector("input").click();
  } catch (error) {
    part("start").disabled = false;
    say(`The page could not be started: ${error.message}`);
  }
}

if (root) {
  const missing = networks.whatIsMissing();
  say(missing);
  part("ask").hidden = missing !== "";
  part("start").disabled = false; // some browsers remember otherwise when a page is loaded again
  part("start").addEventListener("click", start);
}
