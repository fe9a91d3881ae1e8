// @ts-check
/** What the page knows. Whoever changes it tells by `change`; whoever shows it is called again. */

/** @typedef {import("./api.js").Dream} Dream */

export const state = {
  /** @type {import("./api.js").Studio} */
  studio: /** @type {any} */ (null),
  /** @type {import("./api.js").Picture[]} opened, in their order */
  pictures: [],
  /** @type {string | null} the picture that is dreamed on */
  picture: null,
  /** @type {string} what was picked: look/coral, layer/mixed3, channel/mixed4:439 */
  pick: "",
  /** @type {import("./api.js").Settings} all settings, by name */
  values: {},
  /** @type {{pick: string, values: import("./api.js").Settings}[]} what was set before, to go back to */
  history: [],
  /** @type {Dream[]} newest first */
  dreams: [],
  /** @type {string | null} the dream that is on the stage, beside the picture it was made of */
  shown: null,
  /** @type {import("./api.js").Picture | null} */
  guide: null,
  /** @type {boolean} whether the mask is being painted */
  painting: false,
  /** @type {Record<string, HTMLCanvasElement>} masks that have been painted, by picture */
  masks: {},
};

/** @typedef {keyof typeof state} Name */
/** @type {[Name[], () => void][]} */
const followers = [];

/** Call `shown` whenever one of these parts of the state has changed. @param {Name[]} names @param {() => void} shown */
export const follow = (names, shown) => void followers.push([names, shown]);

/** Change parts of the state. @param {Partial<typeof state>} parts */
export function change(parts) {
  Object.assign(state, parts);
  for (const [names, shown] of followers) if (names.some((name) => name in parts)) shown();
}

/** Return the picture that is dreamed on. */
export const current = () => state.pictures.find((picture) => picture.id === state.picture) ?? null;

/** Return the dream that is on the stage. */
export const onStage = () => state.dreams.find((dream) => dream.id === state.shown) ?? null;

/** Replace a dream, or add it. @param {Dream} dream */
export function note(dream) {
  const known = state.dreams.find((x) => x.id === dream.id);
  if (known) Object.assign(known, dream);
  change({ dreams: known ? state.dreams : [dream, ...state.dreams] });
}

/** Return whether a dream or a film waits, or is being made. @param {{status: import("./api.js").Status}} what */
export const atWork = (what) => ["queued", "working", "stopping"].includes(what.status);
