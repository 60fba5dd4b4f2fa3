// @ts-check
// The book's trained networks, run in the page by onnxruntime-web. Nothing is loaded before `loadRuntime` is called.

const VENDOR = new URL("../vendor/onnxruntime/", import.meta.url);
const HERE = new URL("./", import.meta.url);

/** What this browser lacks, in words for the reader; empty if it has all. */
export function whatIsMissing() {
  if (typeof WebAssembly === "undefined") {
    return "This browser has no WebAssembly, or it is switched off. The networks need it; any browser since 2021 has it.";
  }
  if (typeof DecompressionStream === "undefined") {
    return "This browser cannot unpack what the networks come in. Any browser since 2023 can.";
  }
  return "";
}

/**
 * A file of the book.
 * @param {URL} url
 */
export async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url.pathname} answered ${answer.status}: the book is incomplete, build it again`);
  return answer;
}

/**
 * The bytes of a file that is packed by gzip, unless a server has unpacked it on the way.
 * @param {URL} url
 */
async function unpacked(url) {
  const bytes = new Uint8Array(await (await fetched(url)).arrayBuffer());
  const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const stream = new Blob([bytes]).stream();
  return new Response(isPacked ? stream.pipeThrough(new DecompressionStream("gzip")) : stream).arrayBuffer();
}

/**
 * What can be loaded: see tools/export_models.py, which writes the lists.
 * @param {"digits" | "memory" | "video" | "steer" | "futures"} name
 */
export async function listed(name) {
  return (await fetched(new URL(`models/${name}.json`, HERE))).json();
}

/** @type {Promise<any> | undefined} */
let runtime;

/** Load onnxruntime, once. */
export function loadRuntime() {
  runtime ??= (async () => {
    const ort = await import(new URL("ort.wasm.min.mjs", VENDOR).href);
    ort.env.wasm.wasmBinary = await unpacked(new URL("ort-wasm-simd-threaded.wasm.gz", VENDOR));
    ort.env.wasm.wasmPaths = { mjs: new URL("ort-wasm-simd-threaded.mjs", VENDOR).href };
    ort.env.wasm.numThreads = 1; // more need headers that a plain web server does not send
    return ort;
  })();
  runtime.catch(() => (runtime = undefined)); // to be tried again
  return runtime;
}

/** @typedef {{file: string, frames: number, side: number}} About as listed: frames in a network's context, and their side in pixels */

/**
 * Load a network, to get all that it says of a context.
 * @param {About} about
 * @returns {Promise<(values: Float32Array, action?: number) => Promise<Float32Array[]>>} to the data of each output
 */
async function opened({ file, frames, side }) {
  const ort = await loadRuntime();
  const network = await unpacked(new URL(`models/${file}`, HERE));
  const session = await ort.InferenceSession.create(network, { executionProviders: ["wasm"] });
  return async (values, action) => {
    const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", values, [1, frames, side, side, 1]) };
    if (session.inputNames.length > 1) feeds[session.inputNames[1]] = new ort.Tensor("int32", Int32Array.of(action), [1]);
    const outputs = await session.run(feeds);
    return session.outputNames.map((/** @type {string} */ name) => outputs[name].data);
  };
}

/** @param {Float32Array} values */
const clipped = (values) => values.map((value) => Math.min(1, Math.max(0, value))); // as the book's tables do

/**
 * Load a network of one forecast.
 * @param {About} about
 * @returns {Promise<import("./frames.js").Predictor>} of a network that can be steered, the action comes second
 */
export async function load(about) {
  const run = await opened(about);
  return async (values, action) => clipped((await run(values, action))[0]);
}

/**
 * Load a network that makes several next frames, and says how likely each is.
 * @param {About} about
 * @returns {Promise<import("./futures.js").Drawer>}
 */
export async function loadDrawer(about) {
  const run = await opened(about);
  const pixels = about.side ** 2;
  return async (values) => {
    const [made, odds] = await run(values);
    const frames = clipped(made);
    return { odds, frames: Array.from(odds, (_, which) => frames.subarray(which * pixels, (which + 1) * pixels)) };
  };
}
