// @ts-check
/** What is told beside the picture: in passing to those who listen, and errors until they are closed. */

import { Problem } from "./api.js";
import { $, button, make } from "./dom.js";
import { _, asSentence } from "./texts.js";
import { Wrong } from "./settings.js";

/** Tell in passing, to screen readers only: what is told is seen anyway. @param {string} text */
export function tell(text) {
  $("status").textContent = text;
}

/** Show a note that stays until it is closed, and return it; what is there already is told anew. @param {string} text @param {string} [hint] @param {string} [role] */
export function show(text, hint = "", role = "status") {
  const note = make(
    "div",
    { className: `note ${role}`, role },
    make("p", {}, make("strong", {}, text), hint && ` ${hint}`),
  );
  const said = note.textContent;
  const there = [...$("notes").children].find((x) => x.firstChild?.textContent === said);
  if (there instanceof HTMLDivElement) {
    $("notes").append(there);
    return there;
  }
  note.append(button("×", () => note.remove(), { "aria-label": _("Close") }));
  $("notes").append(note);
  return note;
}

/** Show what went wrong; return the note. @param {unknown} error @param {string} [about] what it is about, such as a file's name */
export function fail(error, about = "") {
  const [text, hint] = sentences(error);
  return show(about ? `${about}: ${text}` : text, hint, "alert");
}

/** Return what went wrong, and the way out. @param {unknown} error */
export function sentences(error) {
  if (error instanceof Wrong) return [_(error.message, error.values), ""];
  if (error instanceof Problem) return [asSentence(error.message), asSentence(error.hint)];
  console.error(error);
  return [_("The page went wrong. Load it again: nothing that was made is lost."), ""];
}

/** Return a function that runs another, and shows what goes wrong in it. @template {any[]} A @param {(...values: A) => any} run */
export const caught =
  (run) =>
  async (/** @type {A} */ ...values) => {
    try {
      return await run(...values);
    } catch (error) {
      fail(error);
    }
  };
