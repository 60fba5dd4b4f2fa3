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
 * @param {"digits" | "memory" | "video" | "steer"} name
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

/**
 * Load a network.
 * @param {{file: string, frames: number, side: number}} about as listed: frames in its context, and their side in pixels
 * @returns {Promise<import("./frames.js").Predictor>} of a network that can be steered, the action comes second
 */
export async function load({ file, frames, side }) {
  const ort = await loadRuntime();
  const network = await unpacked(new URL(`models/${file}`, HERE));
  const session = await ort.InferenceSession.create(network, { executionProviders: ["wasm"] });
  return async (values, action) => {
    const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", values, [1, frames, side, side, 1]) };
    if (session.inputNames.length > 1) feeds[session.inputNames[1]] = new ort.Tensor("int32", Int32Array.of(action), [1]);
    const output = (await session.run(feeds))[session.outputNames[0]];
    return output.data.map((/** @type {number} */ value) => Math.min(1, Math.max(0, value))); // as the book's tables clip them
  };
}
