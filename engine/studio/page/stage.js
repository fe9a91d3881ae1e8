// @ts-check
/** The large picture, and the line between what it was and what became of it. */

import { $, show } from "./dom.js";
import { preview } from "./opening.js";
import { current, follow, onStage, state } from "./store.js";
import { _, asSentence, number } from "./texts.js";

/** Longest side of the copies that are shown, in pixels: sharp on most screens, and quick. */
export const LONGEST = 1600;

/** Addresses that are shown now, or will be when they have arrived. @type {Record<string, string>} */
const wanted = {};

/** Show the picture, and the dream of it that grows or was chosen. */
export function showStage() {
  const split = $("split", HTMLInputElement);
  split.oninput = place;
  follow(["picture", "pictures", "shown", "dreams", "painting"], draw);
  follow(["shown"], () => {
    split.value = "0";
    place();
  });
  draw();
  place();
}

/** Return the address of what there is of a dream. @param {import("./store.js").Dream} dream */
export const seen = (dream) => dream.preview ?? "";

function draw() {
  const dream = onStage();
  const picture = dream?.picture ?? state.picture;
  show(!picture, $("welcome"));
  show(Boolean(picture), $("frame"), $("under"), $("panel"), $("shelf"));
  document.body.classList.toggle("empty", !picture);
  if (!picture) return;
  load("before", preview(picture, LONGEST));
  const url = dream ? seen(dream) : "";
  load("after", url);
  show(Boolean(url) && !state.painting, $("after"), $("split"), $("line"));
  const size = dream ?? current();
  if (size) $("view").style.setProperty("--ratio", String(size.width / size.height));
  const about = dream ?? current();
  const facts = [
    about?.name,
    size && `${number(size.width)} × ${number(size.height)}`,
    ...(about?.warnings ?? []).map(asSentence),
  ];
  $("facts").textContent = facts.filter(Boolean).join(" · ");
}

/** Show a picture once all of it is here, so that nothing flickers. @param {"before" | "after"} id @param {string} url */
async function load(id, url) {
  if (wanted[id] === url) return;
  wanted[id] = url;
  const image = $(id, HTMLImageElement);
  if (!url) return image.removeAttribute("src");
  const coming = new Image();
  coming.src = url;
  try {
    await coming.decode();
  } catch {
    return; // gone meanwhile, or broken off: the next one will come
  }
  if (wanted[id] !== url) return;
  image.src = url;
}

/** Put the line where its slider is. */
function place() {
  const split = $("split", HTMLInputElement);
  $("view").style.setProperty("--split", `${split.value}%`);
  split.setAttribute(
    "aria-valuetext",
    _("{share} % of the dream is seen", { share: number(100 - Number(split.value)) }),
  );
}
