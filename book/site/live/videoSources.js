// @ts-check
// Where frames come from: a video, frame by frame and in a loop, or the camera. Neither leaves the page.

import { frameOf } from "./videoFrames.js";

/**
 * @typedef {object} Source
 * @property {(every: number, side: number) => Promise<{frame: Float32Array, follows: boolean, number: number}>} next
 *   a frame, `every` frames after the last one; whether it follows that one in time; and its number, from 0
 * @property {() => void} close
 */

const LARGEST = 200e6; // bytes of a file
const LONGEST = 600; // frames of a video, after which it begins again
const WATCHED = 8; // frames that tell how long a frame lasts
const PATIENCE = 2000; // ms, that they may take
const PAINTED = 1000; // ms within which a frame that was sought is painted, if it is at all: in a hidden page it is not
const CAMERA = 1000 / 15; // ms from one picture of the camera to the next
const PAUSE = 1000; // ms after which a picture does not follow the last one: the page was hidden
const USUAL = 1 / 25; // seconds that a frame lasts, where the browser does not tell

/**
 * A file as an address, of a type that browsers try to decode: they look into the file themselves, but refuse names that
 * they do not know, such as that of videos from an iPhone.
 * @param {Blob} file
 * @returns {Promise<string>}
 */
function dataUrl(file) {
  const type = document.createElement("video").canPlayType(file.type) ? file.type : "video/mp4";
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(new Error("The browser could not read the file.")));
    reader.readAsDataURL(new Blob([file], { type }));
  });
}

/**
 * @param {HTMLVideoElement} video
 * @param {string} name
 */
function happened(video, name) {
  const heard = new AbortController();
  const { signal } = heard;
  return new Promise((resolve, reject) => {
    video.addEventListener(name, resolve, { signal });
    video.addEventListener("error", () => reject(new Error(video.error?.message ?? "")), { signal });
  }).finally(() => heard.abort());
}

/** A video that makes no sound and needs no screen of its own. */
function silent() {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.preload = "auto";
  return video;
}

/**
 * Let the browser find out how long a video is, if it is a recording that does not say so: at its end it knows.
 * @param {HTMLVideoElement} video
 */
async function findDuration(video) {
  const atItsEnd = happened(video, "seeked");
  video.currentTime = 1e9;
  await atItsEnd;
  await seek(video, 0);
}

/**
 * How long a frame of a video lasts, in seconds: the shortest time between two that are shown.
 *
 * A busy machine skips frames, so the mean would be too long.
 * @param {HTMLVideoElement} video
 * @returns {Promise<number>}
 */
async function frameLasts(video) {
  if (!video.requestVideoFrameCallback) return USUAL;
  /** @type {number[]} */
  const times = [];
  const watched = new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
    const watch = (/** @type {number} */ _, /** @type {{mediaTime: number}} */ { mediaTime }) => {
      times.push(mediaTime);
      if (times.length === WATCHED) resolve();
      else video.requestVideoFrameCallback(watch);
    };
    video.requestVideoFrameCallback(watch);
    video.addEventListener("ended", resolve, { once: true });
    setTimeout(resolve, PATIENCE);
  });
  await video.play();
  await watched;
  video.pause();
  const lengths = times.slice(1).map((time, index) => time - times[index]);
  const shortest = Math.min(...lengths.filter((length) => length > 1e-3));
  return Number.isFinite(shortest) ? shortest : USUAL;
}

/**
 * Show the frame of a moment, in seconds.
 *
 * On a busy machine "seeked" comes before the frame can be drawn, and a canvas would get the one that was shown before.
 * @param {HTMLVideoElement} video
 * @param {number} time
 */
async function seek(video, time) {
  const painted = new Promise((/** @type {(value?: unknown) => void} */ resolve) => {
    if (!video.requestVideoFrameCallback) return resolve();
    const watch = (/** @type {number} */ _, /** @type {{mediaTime: number}} */ { mediaTime }) => {
      if (mediaTime <= time) resolve();
      else video.requestVideoFrameCallback(watch);
    };
    video.requestVideoFrameCallback(watch);
  });
  const sought = happened(video, "seeked");
  video.currentTime = time;
  await sought;
  await Promise.race([painted, new Promise((resolve) => setTimeout(resolve, PAINTED))]);
}

/**
 * Open a video, to be read frame by frame and again from its beginning.
 * @param {Blob} file with all its bytes: few web servers that a reader has at hand let a browser jump about in a video
 * @param {string} name
 * @param {number} [first] frame, the first time
 * @returns {Promise<Source>}
 */
export async function openVideo(file, name, first = 0) {
  if (file.size > LARGEST) {
    throw new Error(`${name} has ${Math.round(file.size / 1e6)} MB, and the page takes up to ${LARGEST / 1e6} MB: cut it shorter, or scale it down.`);
  }
  const video = silent();
  const ready = happened(video, "loadeddata");
  try {
    video.srcObject = file; // Safari takes a file so
  } catch {
    video.src = await dataUrl(file); // and others so: the page's policy allows no other way
  }
  try {
    await ready;
  } catch {
    throw new Error(`This browser cannot decode ${name}. It takes MP4 with H.264, and most take WebM.`);
  }
  if (!video.videoWidth) throw new Error(`${name} holds no pictures.`);
  if (!Number.isFinite(video.duration)) await findDuration(video);
  const lasts = await frameLasts(video);
  const length = Math.max(1, Math.min(LONGEST, Math.floor(video.duration / lasts + 0.5)));
  const canvas = document.createElement("canvas");
  /** @type {Map<string, Promise<Float32Array>>} */
  const kept = new Map();
  /** @type {Promise<unknown>} */
  let last = Promise.resolve(); // the frame that was asked for last: they are sought one after the other
  const read = (/** @type {number} */ number, /** @type {number} */ side) => {
    const key = `${side} ${number}`;
    if (!kept.has(key)) {
      const frame = last.then(async () => {
        await seek(video, (number + 0.5) * lasts);
        return frameOf(video, side, canvas);
      });
      frame.catch(() => {}); // whoever waits for it hears of it
      kept.set(key, (last = frame));
    }
    return kept.get(key);
  };
  const after = (/** @type {number} */ number, /** @type {number} */ every) => (number + every < length ? number + every : 0);
  let number = -1;
  /** @type {(why: Error) => void} */
  let stop;
  const stopped = new Promise((_, reject) => (stop = reject)); // a frame that is sought when the source is closed never comes
  stopped.catch(() => {});
  return {
    async next(every, side) {
      const before = number;
      number = before < 0 ? first : after(before, every);
      const frame = await Promise.race([read(number, side), stopped]);
      read(after(number, every), side); // sought while the networks forecast
      return { frame, follows: before >= 0 && number > before, number };
    },
    close() {
      stop(new Error(`${name} was closed.`));
      video.removeAttribute("src");
      video.srcObject = null;
      kept.clear();
    },
  };
}

// Why there is no camera, by the name of the browser's error
const NO_CAMERA = {
  NotAllowedError: "The camera was not allowed. Your browser's settings for this page, near its address, can allow it.",
  NotFoundError: "This device has no camera that the browser can see.",
  NotReadableError: "The camera is there, but another program seems to use it.",
};

/**
 * Ask for the camera.
 * @returns {Promise<Source>}
 */
export async function openCamera() {
  if (!navigator.mediaDevices?.getUserMedia) {
    throw new Error("The browser gives this page no camera: it does so for pages from https or from your own machine alone.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 320 }, height: { ideal: 240 } }, audio: false });
  } catch (error) {
    throw new Error(NO_CAMERA[error.name] ?? `The camera could not be opened: ${error.message}`);
  }
  const video = silent();
  video.srcObject = stream;
  try {
    await video.play();
  } catch (error) {
    for (const each of stream.getTracks()) each.stop(); // or nobody could let the camera go
    throw error;
  }
  const canvas = document.createElement("canvas");
  const track = stream.getVideoTracks()[0];
  let number = -1;
  let last = -Infinity; // when the last picture was taken
  return {
    async next(every, side) {
      if (track.readyState === "ended") throw new Error("The camera has stopped.");
      const wait = last + every * CAMERA - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const follows = performance.now() - last < PAUSE;
      last = performance.now();
      return { frame: frameOf(video, side, canvas), follows, number: ++number };
    },
    close() {
      for (const each of stream.getTracks()) each.stop();
    },
  };
}
