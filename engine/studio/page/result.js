// @ts-check
/** What can be done with a finished dream. */

import { get, post, remove, upload } from "./api.js";
import { $, button, make, refill, show } from "./dom.js";
import { caught, tell } from "./notes.js";
import { takeIn } from "./opening.js";
import { reuse } from "./settings.js";
import { atWork, change, follow, onStage, state } from "./store.js";
import { _, number } from "./texts.js";

/** The format in which people got their last picture. */
let format = "png";

/** Show the buttons below a finished dream. */
export function showResult() {
  let drawn = "";
  follow(["shown", "dreams"], () => {
    const dream = onStage();
    const ready = Boolean(dream && !atWork(dream));
    show(ready, $("result"));
    const now = ready ? JSON.stringify([dream?.id, dream?.status, dream?.film]) : "";
    if (now !== drawn) refill($("result"), ...(dream && ready ? buttons(dream) : []));
    drawn = now;
  });
}

/** @param {import("./store.js").Dream} dream */
function buttons(dream) {
  const again = button(_("Use its settings"), () => reuse({ preset: dream.preset, ...dream.settings }), {
    id: "reuse",
  });
  const gone = button(
    _("Remove"),
    caught(async () => {
      await remove(`dreams/${dream.id}`);
      change({ dreams: state.dreams.filter((x) => x.id !== dream.id), shown: null });
    }),
    { id: "remove" },
  );
  if (dream.status === "failed") return [again, gone];
  return [
    ...download(dream),
    button(
      _("Dream on the result"),
      caught(() => deeper(dream)),
      { id: "deeper" },
    ),
    again,
    button(
      _("Copy command line"),
      caught(() => copy(dream)),
      { id: "copy" },
    ),
    film(dream),
    gone,
  ];
}

/** @param {import("./store.js").Dream} dream */
function download(dream) {
  const choice = make(
    "select",
    { id: "format", "aria-label": _("Format") },
    ...state.studio.formats.map((x) => make("option", { value: x.name }, x.title)),
  );
  choice.value = format = state.studio.formats.some((x) => x.name === format)
    ? format
    : state.studio.formats[0].name;
  const link = make("a", { className: "button main", id: "download", download: "" }, _("Download"));
  const point = () => (link.href = `/api/dreams/${dream.id}/result?format=${(format = choice.value)}`);
  choice.onchange = point;
  point();
  return [make("span", { className: "joined" }, link, choice)];
}

/** Take the result for the next picture; what is set stays. @param {import("./store.js").Dream} dream */
async function deeper(dream) {
  const bytes = await (await fetch(`/api/dreams/${dream.id}/result`)).blob();
  takeIn(await upload(bytes, `${dream.name.replace(/\.[^.]*$/, "")}.dream.png`));
}

/** Copy the command line; show it where the browser lets no page do that. @param {import("./store.js").Dream} dream */
async function copy(dream) {
  const { command: text } = await get(`dreams/${dream.id}/command`);
  try {
    await navigator.clipboard.writeText(text);
    $("copy").textContent = _("Copied");
    tell(_("Copied"));
  } catch {
    const field = $("command", HTMLTextAreaElement);
    field.value = text;
    $("copying", HTMLDialogElement).showModal();
    field.select();
  }
}

/** Return what stands for the film: a button, its progress, or the way to get it. @param {import("./store.js").Dream} dream */
function film(dream) {
  if (dream.film?.status === "done")
    return make(
      "a",
      { className: "button", id: "film", download: "", href: `/api/dreams/${dream.id}/film` },
      _("Download the film"),
    );
  if (dream.film && atWork(dream.film)) {
    const text = _("Stop the film ({share} %)", { share: number(dream.film.fraction * 100) });
    return button(
      text,
      caught(() => post(`dreams/${dream.id}/stop`)),
      { id: "film" },
    );
  }
  const format = state.studio.films ? "mp4" : "webp";
  return button(
    _("Zoom film"),
    caught(() => post(`dreams/${dream.id}/film`, { format })),
    { id: "film" },
  );
}
