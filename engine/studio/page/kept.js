// @ts-check
/** What a reload brings back: the pictures, what is set, and what was on the stage. Masks are painted anew. */

import { get } from "./api.js";
import { follow, state } from "./store.js";

const PLACE = "deepdream";
const KEPT = /** @type {const} */ (["pictures", "picture", "pick", "values", "shown", "guide"]);

/** Return what this tab kept, without the pictures that the studio no longer has. @returns {Promise<Record<string, any>>} */
export async function bring() {
  const found = read();
  const there = await Promise.all(
    (found.pictures ?? []).map((/** @type {{id: string}} */ x) => get(`pictures/${x.id}`).catch(() => null)),
  );
  const pictures = there.filter(Boolean);
  const guide = found.guide && (await get(`pictures/${found.guide.id}`).catch(() => null));
  const has = (/** @type {string} */ id) => pictures.some((x) => x.id === id);
  return {
    ...found,
    pictures,
    guide,
    picture: has(found.picture) ? found.picture : (pictures[0]?.id ?? null),
  };
}

/** Keep the state whenever it changes. */
export function keep() {
  follow([...KEPT], () => {
    try {
      sessionStorage.setItem(
        PLACE,
        JSON.stringify(Object.fromEntries(KEPT.map((name) => [name, state[name]]))),
      );
    } catch {
      // a private window, or too little room: then a reload begins anew
    }
  });
}

/** @returns {Record<string, any>} */
function read() {
  try {
    return JSON.parse(sessionStorage.getItem(PLACE) ?? "{}");
  } catch {
    return {};
  }
}
