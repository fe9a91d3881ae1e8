// @ts-check
/** From Generate to the finished picture: orders, progress, Stop. */

import { get, listen, post, Problem, upload } from "./api.js";
import { maskOf } from "./brush.js";
import { $, show } from "./dom.js";
import { caught, fail, tell } from "./notes.js";
import { order } from "./settings.js";
import { atWork, change, current, follow, note, onStage, state } from "./store.js";
import { _, asSentence, number } from "./texts.js";

/** @typedef {import("./store.js").Dream} Dream */

/** Milliseconds until a studio that is gone is asked again. */
const AGAIN = 3000;

/** @type {(() => void) | null} */
let stopListening = null;
/** What says that the studio is gone, while it is. @type {HTMLElement | null} */
let gone = null;
/** The octave that was told last. */
let octave = "";

/** Make the buttons work, and show how a dream grows. */
export function showDreaming() {
  $("generate").onclick = caught(() => generate([/** @type {any} */ (current())]));
  $("generate-all").onclick = caught(() => generate(state.pictures));
  $("stop").onclick = caught(async () => {
    const dream = onStage();
    if (!dream) return;
    const { id, status } = dream;
    note({ ...dream, status: "stopping" });
    try {
      await post(`dreams/${id}/stop`); // what it answers may be older than what the events have told meanwhile
    } catch (problem) {
      if (dream.status === "stopping") note({ ...dream, status });
      throw problem;
    }
  });
  follow(["pictures", "picture"], () => {
    $("generate", HTMLButtonElement).disabled = !current();
    show(state.pictures.length > 1, $("generate-all"));
    $("generate-all").textContent = _("Generate all {count}", { count: state.pictures.length });
  });
  follow(["dreams", "shown"], draw);
}

/** Dream on pictures, one after the other. @param {import("./api.js").Picture[]} pictures */
async function generate(pictures) {
  change({ painting: false });
  for (const picture of pictures) {
    const bytes = await maskOf(picture.id);
    const mask = bytes && (await upload(bytes, "mask.png", "mask"));
    const dream = await post("dreams", {
      picture: picture.id,
      name: picture.name,
      settings: order(),
      mask: mask?.id ?? null,
      guide: state.guide?.id ?? null,
    });
    if (!state.dreams.some((x) => x.id === dream.id)) note(dream); // else the events know more of it by now
    if (picture === pictures[0]) change({ shown: dream.id });
  }
}

/** Ask for all dreams, and listen to what becomes of them while somebody looks. */
export async function followDreams() {
  change({ dreams: await get("dreams") });
  addEventListener("visibilitychange", look);
  hear();
}

/** Listen, or let others listen: a browser has six connections to a studio, for all its tabs together. */
async function look() {
  if (document.hidden) return ignore();
  hear();
  const there = new Set((await get("dreams").catch(() => state.dreams)).map((/** @type {Dream} */ x) => x.id));
  for (const { id } of state.dreams) if (!there.has(id)) forget(id);
}

/** @param {string} id  of a dream that was removed, perhaps in another window */
const forget = (id) =>
  change({
    dreams: state.dreams.filter((x) => x.id !== id),
    shown: state.shown === id ? null : state.shown,
  });

function hear() {
  if (stopListening) return;
  /** @param {string} id @param {Partial<Dream>} news */
  const add = (id, news) =>
    note({ .../** @type {Dream} */ (state.dreams.find((x) => x.id === id)), ...news });
  stopListening = listen(
    "dreams/events",
    {
      state: (said) => (announce(said), add(said.id, said)),
      progress: ({ id, ...progress }) => add(id, { progress }),
      preview: ({ id, url }) => add(id, { preview: url }),
      removed: ({ id }) => forget(id),
      open: () => {
        gone?.remove();
        gone = null;
      },
    },
    (refused) => {
      if (refused) {
        ignore();
        setTimeout(look, AGAIN);
      }
      void get("studio").catch((error) => (gone ??= fail(error)));
    },
  );
}

function ignore() {
  stopListening?.();
  stopListening = null;
}

/** Tell that a dream or its film has ended, and why if that was early. @param {Dream} said */
function announce(said) {
  const before = state.dreams.find((x) => x.id === said.id);
  if (before?.film && atWork(before.film) && said.film && !atWork(said.film)) {
    const { error } = said.film;
    if (error) fail(new Problem(error.detail, error.hint, 0), said.name);
    else tell(_("The film is ready."));
  }
  if (before && atWork(before) && !atWork(said))
    tell(said.status === "failed" ? _("The dream failed.") : _("The dream is ready."));
}

/** Show what the dream on the stage is doing. */
function draw() {
  const dream = onStage();
  const working = Boolean(dream && atWork(dream));
  show(working, $("progress"), $("stop"));
  $("stop", HTMLButtonElement).disabled = dream?.status === "stopping";
  if (dream && working) {
    const bar = $("bar", HTMLProgressElement);
    bar.value = dream.progress?.fraction ?? 0;
    $("told").textContent = words(dream);
    const now = `${dream.id} ${dream.progress?.octave}`;
    if (dream.progress && now !== octave)
      tell(_("Octave {octave} of {octaves}", { ...dream.progress, seconds_left: "" }));
    octave = now;
  }
  const failed = dream?.status === "failed";
  show(failed, $("failed"));
  if (failed) $("failed").textContent = reason(dream);
}

/** @param {Dream} dream */
function words(dream) {
  if (dream.status === "stopping") return _("Stopping…");
  if (dream.status === "queued") return _("Waits for its turn");
  if (!dream.progress) return _("Opening the model…");
  const place = _("Octave {octave} of {octaves}", {
    octave: dream.progress.octave,
    octaves: dream.progress.octaves,
  });
  return dream.progress.seconds_left ? `${place} · ${left(dream.progress.seconds_left)}` : place;
}

/** Return how long it will take, no more exact than it is known. @param {number} seconds */
function left(seconds) {
  return seconds < 90
    ? _("{seconds} s left", { seconds: number(Math.max(Math.ceil(seconds), 1)) })
    : _("{minutes} min left", { minutes: number(Math.round(seconds / 60)) });
}

/** @param {Dream | null} dream */
function reason(dream) {
  const { detail = _("The dream failed."), hint = "" } = dream?.error ?? {};
  return `${asSentence(detail)} ${asSentence(hint)}`.trim();
}
