// @ts-check
/** What a reload brings back: the pictures, their masks, what is set, and what was on the stage. */

import { get } from "./api.js";
import { make } from "./dom.js";
import { follow, state } from "./store.js";

const PLACE = "deepdream";
/** Masks stand by themselves: what is set changes often, and they are long. */
const MASKS = "deepdream-masks";
const KEPT = /** @type {const} */ (["pictures", "picture", "pick", "values", "shown", "guide"]);

/**
 * Return what this tab kept, without the pictures that the studio no longer has; a new tab gets all that are there.
 * @returns {Promise<Record<string, any>>}
 */
export async function bring() {
  const found = read(PLACE);
  /** @type {import("./api.js").Picture[]} */
  const there = (await get("pictures")).reverse();
  const wanted = (found.pictures ?? there.filter((x) => x.use === "dream")).map((/** @type {any} */ x) => x.id);
  const pictures = there.filter((x) => wanted.includes(x.id));
  const has = pictures.some((x) => x.id === found.picture);
  return {
    ...found,
    pictures,
    guide: there.find((x) => x.id === found.guide?.id) ?? null,
    picture: has ? found.picture : (pictures.at(-1)?.id ?? null),
    masks: await masksOf(pictures),
  };
}

/** Keep the state whenever it changes. */
export function keep() {
  follow([...KEPT], () => write(PLACE, Object.fromEntries(KEPT.map((name) => [name, state[name]]))));
  follow(["masks"], () =>
    write(MASKS, Object.fromEntries(Object.entries(state.masks).map(([id, mask]) => [id, mask.toDataURL()]))),
  );
}

/** @param {{id: string}[]} pictures @returns {Promise<Record<string, HTMLCanvasElement>>} */
async function masksOf(pictures) {
  const found = read(MASKS);
  const known = pictures.filter(({ id }) => found[id]);
  const masks = await Promise.all(known.map(async ({ id }) => [id, await painted(found[id])]));
  return Object.fromEntries(masks.filter(([, mask]) => mask));
}

/** Return a mask as it was painted. @param {string} url */
async function painted(url) {
  const image = make("img", { src: url });
  if (await image.decode().catch(() => true)) return null;
  const mask = make("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  mask.getContext("2d")?.drawImage(image, 0, 0);
  return mask;
}

/** @param {string} place @param {object} what */
function write(place, what) {
  try {
    sessionStorage.setItem(place, JSON.stringify(what));
  } catch {
    // a private window, or too little room: then a reload begins anew
  }
}

/** @param {string} place @returns {Record<string, any>} */
function read(place) {
  try {
    return JSON.parse(sessionStorage.getItem(place) ?? "{}");
  } catch {
    return {};
  }
}
