// @ts-check
/** The studio's HTTP interface: docs/openapi.json. */

import { N_ } from "./texts.js";

/** @typedef {Record<string, number>} Layers  coefficients by selector, such as mixed3 or mixed4:12+40 */
/** @typedef {Record<string, any>} Settings  by name, `layers` among them; what is null is switched off */
/**
 * @typedef {object} Control
 * @property {string} name
 * @property {string} label
 * @property {"integer" | "number" | "switch"} kind
 * @property {number} min
 * @property {number} max
 * @property {boolean} optional  whether null is a value too
 * @property {number | boolean | null} default
 * @property {[number, number]} slider  the useful part of the range
 * @property {number} gamma  how the slider is bent: above 1, small values get more of its length
 * @property {number} step
 * @property {number} digits
 * @property {string} help
 */
/** @typedef {{name: string, title: string, description: string, group: string, settings: Settings}} Look */
/** @typedef {{name: string, channels: number, block?: string}} Layer */
/**
 * @typedef {object} Studio
 * @property {string} device
 * @property {string} fallback  why not the GPU
 * @property {string} default  the look that dreams begin with
 * @property {boolean} films
 * @property {{bytes: number}} limits
 * @property {{name: string, title: string}[]} formats
 * @property {Control[]} controls
 * @property {Look[]} looks
 * @property {Layer[]} layers
 * @property {Settings} layer_settings  those of the thumbnails of layers and channels
 */
/** @typedef {"dream" | "guide" | "mask"} Use  what a picture was sent for */
/**
 * @typedef {object} Picture
 * @property {string} id
 * @property {string} name
 * @property {Use} use
 * @property {number} width
 * @property {number} height
 * @property {{settings: Settings} | null} recipe  how it was made, if it is an old result
 * @property {string[]} warnings
 */
/** @typedef {{detail: string, hint: string}} Fault */
/** @typedef {"queued" | "working" | "stopping" | "done" | "stopped" | "failed"} Status */
/**
 * @typedef {object} Progress
 * @property {number} fraction
 * @property {number} octave
 * @property {number} octaves
 * @property {number | null} seconds_left
 */
/**
 * @typedef {object} Dream
 * @property {string} id
 * @property {string} name
 * @property {Status} status
 * @property {string} picture
 * @property {string} preset
 * @property {Settings} settings
 * @property {string | null} guide
 * @property {number} width
 * @property {number} height
 * @property {Progress | null} progress
 * @property {string | null} preview  where the picture so far is; another address each time
 * @property {string | null} result
 * @property {Fault | null} error
 * @property {string[]} warnings
 * @property {{status: Status, fraction: number, error: Fault | null} | null} film
 */

/** What the studio refuses, in a sentence for people, and the way out. */
export class Problem extends Error {
  /** @param {string} message @param {string} hint @param {number} status  of HTTP; 0 where nothing answered */
  constructor(message, hint, status) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

const HEADERS = { "x-deepdream": "1" };

/** @param {string} path @param {RequestInit} [options] @returns {Promise<any>} */
async function ask(path, options) {
  let response;
  try {
    response = await fetch(`/api/${path}`, options);
  } catch {
    throw new Problem(N_("The studio does not answer."), N_("Start it again: deepdream studio"), 0);
  }
  const isJson = (response.headers.get("content-type") ?? "").includes("json");
  const said = isJson ? await response.json() : await response.text();
  if (response.ok) return said;
  throw new Problem(said.detail || said.title || response.statusText, said.hint || "", response.status);
}

/** @param {string} path */
export const get = (path) => ask(path);

/** Send an order. @param {string} path @param {object} [order] */
export const post = (path, order = {}) =>
  ask(path, {
    method: "POST",
    headers: { ...HEADERS, "content-type": "application/json" },
    body: JSON.stringify(order),
  });

/** Send the bytes of a picture. @param {Blob} bytes @param {string} name @param {Use} [use] @returns {Promise<Picture>} */
export const upload = (bytes, name, use = "dream") =>
  ask(`pictures?name=${encodeURIComponent(name)}&use=${use}`, { method: "POST", headers: HEADERS, body: bytes });

/** @param {string} path */
export const remove = (path) => ask(path, { method: "DELETE", headers: HEADERS });

/**
 * Listen to events until `end`, or until what is returned is called.
 *
 * @param {string} path
 * @param {Record<string, (data: any) => void>} heard  by the event's name
 * @param {(refused: boolean) => void} [lost]  called where the studio refuses; or is gone, and the browser asks again
 */
export function listen(path, heard, lost) {
  const source = new EventSource(`/api/${path}`);
  source.addEventListener("end", () => source.close());
  for (const [name, hear] of Object.entries(heard))
    source.addEventListener(name, (event) => {
      hear(JSON.parse(/** @type {MessageEvent} */ (event).data || "null"));
    });
  source.onerror = () => {
    lost?.(source.readyState === EventSource.CLOSED);
  };
  return () => source.close();
}
