// @ts-check
// What the demos of the page "Try it" share: a button to start, named parts, sliders, rows of forecasts, a clock.

import { skill, squaredError } from "./frames.js";
import * as networks from "./networks.js";
import { showError, showFrame } from "./pictures.js";

const AVERAGED = 10; // frames that a row's error is the mean of

/**
 * A canvas that says what it shows.
 * @param {string} label
 */
export function picture(label) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}

/**
 * @typedef {object} Look how a row shows errors
 * @property {number} [largest] error that is drawn in full colour
 * @property {number} [averaged] frames that its error is the mean of
 * @property {Row} [beat] the row of copying, for the row to say its skill
 */

/** A row of the page: a forecast, where it errs, and its error over the last frames. */
export class Row {
  /**
   * @param {HTMLElement} parent its `data-heading` names the element of a row's heading
   * @param {string} title
   * @param {number} side of a frame, in pixels
   * @param {Look} [look]
   */
  constructor(parent, title, side, { largest, averaged = AVERAGED, beat } = {}) {
    this.title = title;
    this.largest = largest;
    this.averaged = averaged;
    this.beat = beat;
    /** @type {import("./frames.js").Context | null} the context of its own forecasts, in a dream */
    this.dream = null;
    this.black = new Float32Array(side ** 2);
    this.element = document.createElement("div");
    this.element.className = "live-row";
    const heading = document.createElement(parent.dataset.heading);
    heading.textContent = title;
    this.forecast = picture(`Forecast of ${title}`);
    this.errors = picture(`Error of ${title}: red is too bright, blue too dark`);
    this.said = document.createElement("p");
    this.element.append(heading, this.forecast, this.errors, this.said);
    parent.append(this.element);
    this.setPredictor(null);
    this.reset();
  }

  /**
   * Forecast by this function from now on; the note stands beside the error.
   * @param {import("./frames.js").Predictor | null} predict
   */
  setPredictor(predict, note = "") {
    this.predict = predict;
    this.note = note;
    return this;
  }

  /** Drop the forecast and the errors so far. */
  reset() {
    /** @type {Float32Array | null} */
    this.next = null;
    /** @type {number[]} */
    this.recent = [];
    for (const canvas of [this.forecast, this.errors]) showFrame(canvas, this.black);
    this.said.textContent = this.note;
  }

  /**
   * Show the forecast of a frame that has come, and its error.
   * @param {Float32Array} truth
   */
  show(truth) {
    if (!this.next) return;
    showFrame(this.forecast, this.next);
    showError(this.errors, truth, this.next, this.largest);
    this.recent.push(squaredError(truth, this.next));
    this.recent = this.recent.slice(-this.averaged);
    const mean = this.recent.reduce((sum, value) => sum + value, 0) / this.recent.length;
    const words = [`error ${mean.toFixed(1)}`, this.note];
    if (this.beat) {
      const reached = skill(this.recent, this.beat.recent, truth.length);
      words.unshift(reached === null ? "nothing moves" : `skill ${reached.toFixed(2)}`);
    }
    this.said.textContent = words.filter((word) => word).join("; ");
  }
}

export class Demo {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    /** @type {Row[]} */
    this.rows = [];
    this.stopped = false;
  }

  /**
   * The element that the page names so, by `data-part`.
   * @param {string} name
   * @returns {any}
   */
  part(name) {
    return this.root.querySelector(`[data-part="${name}"]`);
  }

  /** @param {string} text */
  showMessage(text) {
    if (!this.stopped) this.part("message").textContent = text;
  }

  /**
   * Show the button that starts everything; until it is pressed, nothing is loaded.
   * @param {() => Promise<void>} start
   */
  offer(start) {
    const button = this.part("start");
    const missing = networks.whatIsMissing();
    this.showMessage(missing);
    this.part("ask").hidden = missing !== "";
    button.disabled = false; // some browsers remember otherwise when a page is loaded again
    button.addEventListener("click", async () => {
      button.disabled = true;
      this.showMessage("Loading …");
      try {
        await start();
      } catch (error) {
        button.disabled = false;
        this.showMessage(`The page could not be started: ${error.message}`);
      }
    });
  }

  /** Put the demo in the place of the button. */
  open() {
    this.part("ask").hidden = true;
    this.part("demo").hidden = false;
    this.showMessage("");
  }

  /**
   * Show a slider's value, in its label and to screen readers, and call `change` whenever a reader moves it.
   * @param {string} name the slider's part; its label holds an output `name-value`, then the unit
   * @param {(value: number) => void} change
   * @returns {number} where it stands now
   */
  slider(name, change) {
    const input = this.part(name);
    const output = this.part(`${name}-value`);
    const show = () => {
      output.textContent = input.value;
      const unit = output.nextSibling?.textContent.trim() ?? "";
      input.setAttribute("aria-valuetext", `${input.value} ${unit}`.trim());
    };
    input.addEventListener("input", () => {
      show();
      change(Number(input.value));
    });
    show();
    return Number(input.value);
  }

  /**
   * Say whether a button that stays down is down.
   * @param {string} name
   * @param {boolean} isDown
   */
  press(name, isDown) {
    this.part(name).setAttribute("aria-pressed", String(isDown));
  }

  /**
   * Let the button "pause" set `state.paused`; readers who have asked for reduced motion begin with a pause.
   * @param {{paused: boolean}} state
   */
  pausable(state) {
    const pause = (/** @type {boolean} */ on) => {
      state.paused = on;
      this.press("pause", on);
    };
    pause(matchMedia("(prefers-reduced-motion: reduce)").matches);
    this.part("pause").addEventListener("click", () => pause(!state.paused));
  }

  /**
   * @param {string} title
   * @param {number} side
   * @param {Look} [look]
   */
  addRow(title, side, look) {
    const row = new Row(this.part("rows"), title, side, look);
    this.rows.push(row);
    return row;
  }

  /**
   * The row to beat.
   * @param {number} side
   * @param {Look} [look]
   */
  addCopying(side, look) {
    return this.addRow("the last frame, copied", side, look).setPredictor(async (values) => values.slice(-(side ** 2)));
  }

  /** @param {Row} row */
  removeRow(row) {
    row.element.remove();
    this.rows = this.rows.filter((other) => other !== row);
  }

  /**
   * Make place for the frames that the networks see.
   * @param {number} length
   */
  layStrip(length) {
    this.part("strip").replaceChildren(...Array.from({ length }, () => document.createElement("canvas")));
  }

  /** @param {import("./frames.js").Context} context */
  showStrip(context) {
    context.frames.forEach((frame, index) => showFrame(this.part("strip").children[index], frame));
  }

  /**
   * Call `tick` so many times a second, or as often as this machine can.
   * @param {number | (() => number)} ticksASecond
   * @param {() => Promise<void>} tick
   */
  async run(ticksASecond, tick) {
    const began = performance.now();
    try {
      await tick();
    } catch (error) {
      this.showMessage(`The clip stopped: ${error.message}. Reload the page to go on.`);
      this.stopped = true;
      throw error;
    }
    this.root.dataset.ticks = String(Number(this.root.dataset.ticks ?? 0) + 1);
    const rate = typeof ticksASecond === "number" ? ticksASecond : ticksASecond();
    setTimeout(() => this.run(ticksASecond, tick), Math.max(0, 1000 / rate - (performance.now() - began)));
  }
}
