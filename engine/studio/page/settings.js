// @ts-check
/** Settings as plain values: looks, layers written as text, the size of the forms. Nothing is shown here. */

import { change, state } from "./store.js";

/** @typedef {import("./api.js").Settings} Settings */
/** @typedef {import("./api.js").Layers} Layers */

const STEPS = 50;
/** Smallest sizes for the smallest and the largest forms, and numbers of octaves: as GIMP's dialog has them. */
const SIZES = [512, 32];
const OCTAVES = [1, 8];
const LARGEST_SEED = 9999;
const LIMIT = 1000;
const SELECTOR = /^([^:=,+\s]+)(?::([0-9]{1,6}(?:\+[0-9]{1,6})*))?$/;

/** Return the look that is picked, or that a picked layer began with. */
export function look() {
  return lookCalled(state.pick.startsWith("look/") ? state.pick.slice(5) : state.studio.default);
}

/** @param {string} name */
const lookCalled = (name) => state.studio.looks.find((x) => x.name === name) ?? state.studio.looks[0];

/**
 * Return what a pick sets: a look all of its settings, a layer or a channel those of its thumbnail.
 * @param {string} pick
 * @returns {Settings}
 */
export function picked(pick) {
  const [kind, name] = pick.split(/\/(.*)/s);
  const begun =
    kind === "look" ? lookCalled(name).settings : { ...state.studio.layer_settings, layers: layersOf(name) };
  return { ...begun, seed: state.values.seed ?? 0, guide_places: state.values.guide_places ?? false };
}

/** Pick a look, a layer or a channel. @param {string} pick @param {Settings} [also] */
export function choose(pick, also = {}) {
  remember();
  change({ pick, values: { ...picked(pick), ...also } });
}

/** Take over settings that were used before, such as a recipe's. @param {Settings} settings  a preset, and what differs */
export function reuse({ preset, ...given }) {
  const begun = preset ? picked(`look/${preset}`) : defaults();
  const layers = typeof given.layers === "string" ? layersOf(given.layers) : (given.layers ?? begun.layers);
  const values = { ...begun, ...given, layers };
  const picks = [...state.studio.looks.map((x) => `look/${x.name}`), ...pickOf(layers)];
  const pick = picks.find((x) => same(picked(x), values)) ?? (preset ? `look/${preset}` : "");
  remember();
  change({ pick, values });
}

/** Return the pick that such layers are, if they are one. @param {Layers} layers */
function pickOf(layers) {
  const names = Object.keys(layers);
  const known = state.studio.layers.some((x) => x.name === names[0]?.split(":")[0]);
  return names.length === 1 && known ? [`${names[0].includes(":") ? "channel" : "layer"}/${names[0]}`] : [];
}

/** Set some values. @param {Settings} values */
export const set = (values) => change({ values: { ...state.values, ...values } });

/** Pick a look, and a seed, by chance: only looks that a seed makes a difference to. */
export function surprise() {
  const others = state.studio.looks.filter((x) => `look/${x.name}` !== state.pick && x.settings.jitter);
  const found = others[Math.floor(Math.random() * others.length)];
  if (found) choose(`look/${found.name}`, { seed: 1 + Math.floor(Math.random() * LARGEST_SEED) });
}

/** Keep what is set, before something else takes its place. */
function remember() {
  if (state.pick || state.values.layers)
    change({ history: [...state.history.slice(1 - STEPS), { pick: state.pick, values: state.values }] });
}

/** Return to what was set before. */
export function goBack() {
  const last = state.history.at(-1);
  if (last) change({ ...last, history: state.history.slice(0, -1) });
}

/** Return whether something is set that the pick does not set. */
export const changed = () => !state.pick || !same(picked(state.pick), state.values);

/** @param {Settings} one @param {Settings} other */
function same(one, other) {
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter((name) => name !== "seed" && name !== "guide_places")
    .every((name) => text(one[name]) === text(other[name]));
}

/** @param {any} value */
const text = (value) =>
  value && typeof value === "object" ? layersText(value) : JSON.stringify(value ?? null);

/** @returns {Settings} */
function defaults() {
  const found = Object.fromEntries(state.studio.controls.map((x) => [x.name, x.default]));
  return { ...found, layers: state.studio.looks[0].settings.layers };
}

/** Return an order's settings: the look, and what differs from it. @returns {Settings} */
export function order() {
  const { name, settings } = look();
  const differing = Object.entries(state.values).filter(
    ([key, value]) => text(value) !== text(settings[key]),
  );
  return { preset: name, ...Object.fromEntries(differing) };
}

/** Return the size of the forms, 0 to 1. @param {Settings} values */
export function forms(values) {
  const share = values.min_size
    ? Math.log(SIZES[0] / values.min_size) / Math.log(SIZES[0] / SIZES[1])
    : (values.octaves - OCTAVES[0]) / (OCTAVES[1] - OCTAVES[0]);
  return Math.min(Math.max(share, 0), 1);
}

/** Return the setting that gives forms of a size, 0 to 1. @param {number} share @param {Settings} values */
export const fromForms = (share, values) =>
  values.min_size
    ? { min_size: Math.round(SIZES[0] * (SIZES[1] / SIZES[0]) ** share) }
    : { octaves: Math.round(OCTAVES[0] + (OCTAVES[1] - OCTAVES[0]) * share) };

/** Return the layers that are shown: all but those inside blocks of others. */
export const mainLayers = () => state.studio.layers.filter((x) => !x.block);

/** Return layers written as text, such as mixed3=0.5,mixed4:12+40=1. @param {Layers} layers */
export const layersText = (layers) =>
  Object.keys(layers)
    .sort()
    .map((name) => (layers[name] === 1 ? name : `${name}=${layers[name]}`))
    .join(",");

/**
 * Read layers from text; throw what is wrong with it, as a form of _ and its values.
 * @param {string} text
 * @returns {Layers}
 */
export function layersOf(text) {
  /** @type {Layers} */
  const found = {};
  for (const part of text
    .split(",")
    .map((x) => x.trim())
    .filter(Boolean)) {
    const [, name, value] = /^([^=]*?)\s*(?:=\s*(\S+))?$/.exec(part) ?? [];
    const [, layer, channels] = SELECTOR.exec(name ?? "") ?? [];
    const strength = value === undefined ? 1 : Number(value);
    if (!layer || !(Math.abs(strength) <= LIMIT))
      throw new Wrong("“{text}” is not like mixed4:12+40=0.5.", { text: part });
    const there = state.studio.layers.find((x) => x.name === layer);
    if (!there)
      throw new Wrong("There is no layer {layer}. There are: {layers}.", {
        layer,
        layers: mainLayers()
          .map((x) => x.name)
          .join(", "),
      });
    const beyond = channels?.split("+").find((x) => Number(x) >= there.channels);
    if (beyond)
      throw new Wrong("{layer} has no channel {channel}. Its channels are 0 to {last}.", {
        layer,
        channel: beyond,
        last: there.channels - 1,
      });
    found[name] = (found[name] ?? 0) + strength;
  }
  return found;
}

/** What is wrong with a text. */
export class Wrong extends Error {
  /** @param {string} form @param {Record<string, string | number>} values */
  constructor(form, values) {
    super(form);
    this.values = values;
  }
}
