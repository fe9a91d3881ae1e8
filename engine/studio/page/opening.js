// @ts-check
/** How pictures come in: chosen, dropped, pasted, or the sample. */

import { get, post, remove as removed, upload } from "./api.js";
import { $, show } from "./dom.js";
import { caught, fail, show as showNote, tell } from "./notes.js";
import { reuse, Wrong } from "./settings.js";
import { change, current, state } from "./store.js";
import { _, N_, number } from "./texts.js";

/** @typedef {import("./api.js").Picture} Picture */
/** @typedef {import("./api.js").Dream} Dream */

/** Suffixes that browsers don't take for pictures. */
const OTHERS = [".tif", ".tiff", ".jxl", ".heic", ".heif", ".avif", ".qoi"];

/** Return the address of a copy of a picture. @param {string} id @param {number} longest  side, in pixels */
export const preview = (id, longest) => `/api/pictures/${id}/preview?longest=${longest}`;

/** Make buttons, the clipboard and dragged files open pictures. */
export function listenToPictures() {
  const file = $("file", HTMLInputElement);
  file.accept = ["image/*", ...OTHERS].join(",");
  $("guide-file", HTMLInputElement).accept = file.accept;
  for (const id of ["choose", "welcome-choose"]) $(id).onclick = () => file.click();
  file.onchange = () => {
    void open([...(file.files ?? [])]);
    file.value = "";
  };
  $("sample").onclick = caught(async () => take(await post("pictures/sample")));
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) void open(files);
  });
  listenToDrops();
}

function listenToDrops() {
  let depth = 0;
  const has = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  const over = (/** @type {number} */ now) => show((depth = now) > 0, $("drop"));
  addEventListener("dragenter", (event) => has(event) && over(depth + 1));
  addEventListener("dragleave", (event) => has(event) && over(depth - 1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    over(0);
    void open([...(event.dataTransfer?.files ?? [])]);
  });
}

/** Open files one by one; what is no picture is told, and the others go on. @param {File[]} files */
async function open(files) {
  let first = true;
  for (const file of files) {
    tell(_("Opening {name}…", { name: file.name }));
    document.body.classList.add("opening");
    try {
      await check(file);
      take(await upload(file, file.name), first);
      first = false;
    } catch (error) {
      fail(error, file.name);
    }
    document.body.classList.remove("opening");
  }
}

/** Throw what speaks against sending a file at all. @param {File} file */
async function check(file) {
  const { bytes } = state.studio.limits;
  if (file.size > bytes) throw new Wrong(N_("It has more than {size} MB."), { size: number(bytes / 1e6) });
  await file
    .slice(0, 1)
    .arrayBuffer()
    .catch(() => {
      throw new Wrong(N_("It cannot be read. Is it a folder? Drop the pictures in it."), {});
    });
}

/** Show a dream on the stage, and have the picture that it was made of, if that is still there. @param {Dream} dream */
export async function openDream(dream) {
  change({ shown: dream.id, painting: false });
  const there = state.pictures.some((x) => x.id === dream.picture);
  const picture = there ? null : await get(`pictures/${dream.picture}`).catch(() => null);
  if (picture) change({ pictures: [...state.pictures, picture] });
  if (there || picture) change({ picture: dream.picture });
}

/** Put a picture among the others. @param {Picture} picture @param {boolean} [select] whether it is the one to dream on */
export function takeIn(picture, select = true) {
  change({ pictures: [...state.pictures.filter((x) => x.id !== picture.id), picture] });
  if (select) choosePicture(picture.id);
}

/** Take a picture in, and the settings that it was dreamed with. @param {Picture} picture @param {boolean} [select] */
function take(picture, select = true) {
  takeIn(picture, select);
  if (!select || !picture.recipe) return tell(_("{name} is open.", { name: picture.name }));
  reuse(picture.recipe.settings);
  showNote(_("This picture was dreamed here: its settings are back."), _("“Back” returns to yours."));
}

/** Choose the picture to dream on. @param {string} id */
export const choosePicture = (id) => change({ picture: id, shown: null, painting: false });

/** Take a picture away. @param {string} id */
export async function takeAway(id) {
  const left = state.pictures.filter((picture) => picture.id !== id);
  change({ pictures: left });
  if (!current()) change({ picture: left[0]?.id ?? null, shown: null, painting: false });
  await removed(`pictures/${id}`).catch(() => {}); // a dream still needs it: a new tab will have it
}
