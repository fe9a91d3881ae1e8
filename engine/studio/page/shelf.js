// @ts-check
/** The strip of opened pictures, and of what was made of them. */

import { $, button, make, show } from "./dom.js";
import { caught } from "./notes.js";
import { choosePicture, openDream, preview, takeAway } from "./opening.js";
import { seen } from "./stage.js";
import { atWork, follow, state } from "./store.js";
import { _, N_, number } from "./texts.js";

/** Longest side of the small copies, in pixels: sharp on dense screens, too. */
const LONGEST = 240;
const SAID = { queued: N_("waits"), failed: N_("failed"), stopped: N_("stopped") };

/** Show the strip. */
export function showShelf() {
  follow(["pictures", "picture", "shown"], () => fill("pictures", state.pictures.map(pictureItem)));
  follow(["dreams", "shown"], () => {
    show(state.dreams.length > 0, /** @type {HTMLElement} */ ($("dreams").parentElement));
    fill("dreams", state.dreams.map(dreamItem));
  });
}

/** Fill a list; what is the same as before stays, and keeps the focus. @param {string} id @param {HTMLLIElement[]} items */
function fill(id, items) {
  const list = $(id);
  const old = new Map([...list.children].map((x) => [/** @type {HTMLElement} */ (x).dataset.id, x]));
  const kept = items.map((item) => {
    const before = old.get(item.dataset.id);
    return before?.isEqualNode(item) ? before : item;
  });
  const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest(`#${id} li`))?.dataset
    .id;
  if (kept.length !== list.children.length || kept.some((item, at) => item !== list.children[at])) {
    list.replaceChildren(...kept);
    if (focused)
      /** @type {HTMLElement | null} */ (list.querySelector(`[data-id="${focused}"] button`))?.focus();
  }
}

/** @param {import("./api.js").Picture} picture */
function pictureItem(picture) {
  const here = picture.id === state.picture && !state.shown;
  const item = make(
    "li",
    {},
    tile(preview(picture.id, LONGEST), picture.name, here, () => choosePicture(picture.id)),
  );
  item.dataset.id = picture.id;
  if (picture.id === state.picture && state.pictures.length > 1)
    item.append(
      button(
        "×",
        caught(() => takeAway(picture.id)),
        { className: "away", "aria-label": _("Remove {name}", { name: picture.name }) },
      ),
    );
  return item;
}

/** @param {import("./store.js").Dream} dream */
function dreamItem(dream) {
  const said =
    atWork(dream) && dream.progress
      ? `${number(dream.progress.fraction * 100)} %`
      : _(/** @type {any} */ (SAID)[dream.status] ?? "");
  const name = `${dream.name}${said && `, ${said}`}`;
  const made = tile(
    seen(dream) || preview(dream.picture, LONGEST),
    name,
    dream.id === state.shown,
    caught(() => openDream(dream)),
    said,
  );
  const item = make("li", {}, made);
  item.dataset.id = dream.id;
  return item;
}

/** @param {string} url @param {string} name @param {boolean} here @param {() => void} pressed @param {string} [said] */
function tile(url, name, here, pressed, said) {
  const made = button("", pressed, {
    className: "small",
    title: name,
    "aria-label": name,
    "aria-current": String(here),
  });
  made.append(make("img", { alt: "", src: url }));
  if (said) made.append(make("span", {}, said));
  return made;
}
