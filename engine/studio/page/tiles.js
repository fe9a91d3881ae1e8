// @ts-check
/** What looks, layers and channels make of this picture, to choose from by looking. */

import { listen, Problem } from "./api.js";
import { $, button, make, refill, show } from "./dom.js";
import { fail } from "./notes.js";
import { changed, choose, goBack, mainLayers, surprise } from "./settings.js";
import { atWork, current, follow, state } from "./store.js";
import { _, N_ } from "./texts.js";
import { CHANNELS, LAYER_HELP } from "./words.js";

/** @typedef {"looks" | "layers" | "channels"} Kind */

const LAYERS = {
  mixed0: N_("Fine lines"),
  mixed1: N_("Curls"),
  mixed2: N_("Ornament"),
  mixed3: N_("Eyes"),
  mixed4: N_("Beings"),
  mixed5: N_("Whole objects"),
};
/** How many layers there are before all are shown; and how many channels there will be. */
const FEW = 4;
const CHANNEL_COUNT = 12;
/** The kind of a pick in its first part, by the kind of thumbnails. */
const PART = { looks: "look", layers: "layer", channels: "channel" };

/** Addresses of thumbnails by picture, and by pick. @type {Record<string, Record<string, string>>} */
const arrived = {};
/** Names of the channels that a layer of a picture has thumbnails of. @type {Record<string, string[]>} */
const channels = {};
/** What has all arrived: picture, kind and layer. @type {Set<string>} */
const complete = new Set();
let allLayers = false;
/** The picture that the tiles are of. @type {string | null} */
let drawn = null;
/** The layer whose channels are shown. */
let opened = "";
/** @type {{key: string, stop: () => void} | null} */
let listening = null;

/** Show the tiles, and the line above them. */
export function showTiles() {
  $("back", HTMLButtonElement).onclick = goBack;
  $("surprise").onclick = surprise;
  follow(["history"], () => ($("back", HTMLButtonElement).disabled = !state.history.length));
  follow(["values", "pick"], words);
  follow(["picture"], () => {
    if (drawn === state.picture) return;
    opened = "";
    draw();
    next();
  });
  follow(["pick"], mark);
  follow(["dreams"], tellSlow);
  addEventListener("visibilitychange", () => (document.hidden ? ignore() : next()));
  draw();
  next();
}

/** Say why the small pictures take long, while they do. */
const tellSlow = () => show(Boolean(listening) && state.dreams.some((x) => atWork(x.film ?? x)), $("slow"));

/** Say what is picked. */
function words() {
  const [kind, name = ""] = state.pick.split(/\/(.*)/s);
  const look = kind === "look" && state.studio.looks.find((x) => x.name === name);
  const text = look ? _(look.title) : name ? title(name) : _("Your own");
  $("chosen").textContent = changed() && state.pick ? `${text} ${_("(changed)")}` : text;
  $("described").textContent = look ? _(look.description) : _(LAYER_HELP[name] ?? name);
}

/** Return what a layer, a channel or several of them are called. @param {string} name */
export const title = (name) =>
  name
    .split(",")
    .map((x) => _(/** @type {Record<string, string>} */ (LAYERS)[x] ?? CHANNELS[x] ?? x))
    .join(" + ");

/** Draw all tiles anew; the one with the focus keeps it. */
function draw() {
  const focused =
    $("tiles").contains(document.activeElement) && /** @type {any} */ (document.activeElement).value;
  drawn = state.picture;
  const names = mainLayers().map((x) => x.name);
  $("tiles").replaceChildren(
    group(
      _("Looks"),
      state.studio.looks.map((x) => tile(`look/${x.name}`, _(x.title), _(x.description))),
    ),
    layerGroup((allLayers ? names : names.slice(-FEW)).map((x) => tile(`layer/${x}`, title(x), x))),
    make("div", { className: "row", id: "channel-button" }),
    ...(opened ? [channelGroup()] : []),
  );
  mark();
  if (focused)
    /** @type {HTMLElement | null} */ ($("tiles").querySelector(`[value="${CSS.escape(focused)}"]`))?.focus();
}

/** @param {string} head @param {HTMLElement[]} tiles @param {string} [id] */
const group = (head, tiles, id = "") =>
  make("fieldset", { className: "tiles", id }, make("legend", {}, head), ...tiles);

/** @param {HTMLElement[]} tiles */
const layerGroup = (tiles) =>
  make(
    "div",
    { className: "layers" },
    allButton(),
    group(_("Layers, from fine lines to whole objects"), tiles),
  );

/** Return the button that shows the other layers, or only the last ones. */
function allButton() {
  const pressed = () => {
    allLayers = !allLayers;
    draw();
    $("all-layers").focus();
    if (allLayers) next("layers");
  };
  const text = allLayers ? _("Show fewer layers") : _("Show all layers");
  return button(text, pressed, { id: "all-layers", className: "aside", "aria-expanded": String(allLayers) });
}

/** Return the button that shows the channels of the layer that is picked, if they are not shown. */
function channelButton() {
  const layer = pickedLayer();
  if (!layer || layer === opened) return [];
  const pressed = () => {
    opened = layer;
    draw();
    next("channels");
    $("channel-tiles").scrollIntoView({ block: "nearest" });
  };
  return [button(_("Show channels of {layer}", { layer }), pressed, { id: "channels" })];
}

/** Return the layer that is picked, alone or by its channel; "" where there is none. */
function pickedLayer() {
  const name = state.pick.replace(/^(layer|channel)\//, "").split(":")[0];
  return state.studio.layers.some((x) => x.name === name) ? name : "";
}

function channelGroup() {
  const names = channels[`${state.picture}/${opened}`] ?? Array(CHANNEL_COUNT).fill("");
  const tiles = names.map((/** @type {string} */ x) =>
    x
      ? tile(`channel/${x}`, title(x), x)
      : make("span", { className: "tile" }, make("span", { className: "face" })),
  );
  return group(_("What {layer} sees in this picture", { layer: opened }), tiles, "channel-tiles");
}

/** @param {string} pick @param {string} name @param {string} more */
function tile(pick, name, more) {
  const face = make("span", { className: "face" });
  const input = make("input", { type: "radio", name: "pick", value: pick, onclick: () => choose(pick) });
  const made = make(
    "label",
    { className: "tile", title: more },
    input,
    face,
    make("span", { className: "name" }, name),
  );
  made.dataset.pick = pick;
  const url = arrived[state.picture ?? ""]?.[pick];
  if (url) fill(face, url);
  return made;
}

/** @param {Element} face @param {string} url */
function fill(face, url) {
  const image = make("img", { alt: "", src: url });
  image.onload = () => image.classList.add("here");
  face.replaceChildren(image);
}

/** Mark the tile that is picked; one that was picked elsewhere is brought into sight. */
function mark() {
  for (const input of $("tiles").querySelectorAll("input")) {
    const now = input.value === state.pick;
    if (now && !input.checked && !input.matches(":focus"))
      input.closest("label")?.scrollIntoView({ block: "nearest" });
    input.checked = now;
  }
  refill($("channel-button"), ...channelButton());
}

/** @param {Kind} kind */
const key = (kind) => `${state.picture}/${kind}${kind === "channels" ? `/${opened}` : ""}`;

/** Listen to the next thumbnails that are wanted. @param {Kind} [first] */
function next(first) {
  const kinds = /** @type {Kind[]} */ ([first, opened && "channels", "looks", "layers"].filter(Boolean));
  const kind = current() ? kinds.find((x) => !complete.has(key(x))) : undefined;
  if (listening && listening.key === (kind && key(kind))) return;
  ignore();
  if (!kind || document.hidden) return;
  const [picture, now, layer] = [state.picture ?? "", key(kind), opened];
  const stop = listen(
    `pictures/${picture}/thumbnails?kind=${kind}${kind === "channels" ? `&layer=${layer}` : ""}`,
    {
      names: ({ names }) => {
        if (kind !== "channels") return;
        channels[`${picture}/${layer}`] = names;
        draw();
      },
      thumbnail: ({ name, url }) => arrive(picture, `${PART[kind]}/${name}`, url),
      problem: ({ detail, hint }) => fail(new Problem(detail, hint, 0)),
      end: () => {
        complete.add(now);
        ignore();
        next();
      },
    },
    (refused) => refused && ignore(),
  );
  listening = { key: now, stop };
  tellSlow();
}

/** Listen no more. */
function ignore() {
  listening?.stop();
  listening = null;
  tellSlow();
}

/** @param {string} picture @param {string} pick @param {string} url */
function arrive(picture, pick, url) {
  const known = (arrived[picture] ??= {});
  if (known[pick] === url) return;
  known[pick] = url;
  if (picture !== state.picture) return;
  const face = $("tiles").querySelector(`[data-pick="${CSS.escape(pick)}"] .face`);
  if (face) fill(face, url);
}
