// @ts-check
/** What people read, in the browser's language: English as it stands in the sources, or Korean by ko.js and words.js. */

import { KO } from "./ko.js";
import { KO as SHARED } from "./words.js";

/** @type {Record<string, string>} */
let known = {};
/** @type {[RegExp, string][]} the engine's sentences that hold values, in the order in which they are tried */
let forms = [];

/** Take the catalogue of the first language that the browser asks for and we have, and translate the document. */
export function speak() {
  const wanted = navigator.languages
    .map((name) => name.slice(0, 2))
    .find((name) => name === "ko" || name === "en");
  if (wanted === "ko") {
    known = { ...SHARED, ...KO };
    forms = Object.entries(SHARED)
      .filter(([text]) => text.includes("%("))
      .map(([text, form]) => [pattern(text), form]);
    document.documentElement.lang = "ko";
  }
  for (const element of document.querySelectorAll("[data-text]"))
    element.textContent = _(element.textContent ?? "");
  for (const name of ["aria-label", "alt"])
    for (const element of document.querySelectorAll(`[${name}]`))
      element.setAttribute(name, _(element.getAttribute(name) ?? ""));
}

/** @param {string} text  an English sentence with a value for each %(name)s @returns {RegExp} */
function pattern(text) {
  const parts = text
    .split(/%\((\w+)\)s/)
    .map((part, at) => (at % 2 ? `(?<${part}>.+)` : part.replace(/[^\w\s]/g, "\\$&")));
  return new RegExp(`^${parts.join("")}$`, "s");
}

/**
 * Return a text in the user's language, with values in place of {name}.
 * @param {string} text
 * @param {Record<string, string | number>} [values]
 */
export function _(text, values = {}) {
  return (known[text] ?? text).replace(/\{(\w+)\}/g, (all, name) => String(values[name] ?? all));
}

/** Mark a text in a table; where it is shown, `_` translates it. @param {string} text */
export const N_ = (text) => text;

/** Return a sentence of the engine's in the user's language, as far as it is known. @param {string} sentence @returns {string} */
export function told(sentence) {
  if (known[sentence]) return known[sentence];
  for (const [form, korean] of forms) {
    const groups = form.exec(sentence)?.groups;
    if (groups) return korean.replace(/%\((\w+)\)s/g, (_all, name) => told(groups[name] ?? ""));
  }
  return sentence;
}

/** Return a sentence as people begin and end one. @param {string} sentence */
export function asSentence(sentence) {
  const text = told(sentence).trim();
  return text && text[0].toUpperCase() + text.slice(1) + (/[.!?…:]$/.test(text) ? "" : ".");
}

/** Return a number as people of the user's language write it. @param {number} value @param {number} [digits] */
export const number = (value, digits = 0) =>
  value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: digits });
