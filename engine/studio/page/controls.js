// @ts-check
/** Sliders, switches and fields: each reads its value from the settings, and writes it back. */

import { make } from "./dom.js";
import { follow, state } from "./store.js";
import { set } from "./settings.js";
import { _, number } from "./texts.js";

/** @typedef {import("./api.js").Control} Control */
/** @typedef {import("./settings.js").Settings} Settings */
/**
 * @typedef {object} Scale  a slider's numbers, as people see them
 * @property {number} low
 * @property {number} high
 * @property {number} step
 * @property {number} digits
 * @property {number} least  what can be typed in, from
 * @property {number} most
 * @property {number} [gamma]  how the slider is bent: above 1, small values get more of its length
 */

/** Steps of a slider that is bent. */
const NOTCHES = 100;
let made = 0;

/** Return what the studio says of a setting. @param {string} name @returns {Control} */
export function known(name) {
  const found = state.studio.controls.find((x) => x.name === name);
  if (!found) throw new Error(`no setting ${name}`);
  return found;
}

/** Return a setting's name for people. @param {Control} control */
export const labelOf = (control) => _(control.label);

/**
 * Return a slider with a field for exact numbers.
 * @param {string} label @param {string} help @param {Scale} scale
 * @param {(values: Settings) => number} read @param {(value: number) => Settings} write
 */
export function slider(label, help, scale, read, write) {
  const id = `c${++made}`;
  const bend = scale.gamma ?? 1;
  const notches = Math.min((scale.high - scale.low) / scale.step, NOTCHES);
  const range = make("input", { type: "range", id, min: "0", max: String(Math.round(notches)), step: "1" });
  const field = make("input", {
    type: "number",
    min: String(scale.least),
    max: String(scale.most),
    step: "any",
  });
  field.setAttribute("aria-label", label);
  const row = make("div", { className: "control" }, make("label", { htmlFor: id }, label), field, range);
  describe(row, range, help);
  const round = (/** @type {number} */ value) =>
    Number((Math.round(value / scale.step) * scale.step).toFixed(scale.digits));
  range.oninput = () => {
    const share = Number(range.value) / Number(range.max);
    set(write(round(scale.low + (scale.high - scale.low) * share ** bend)));
  };
  field.onchange = () => {
    const value = Number(field.value);
    if (field.value === "" || Number.isNaN(value)) return showNow();
    set(write(Math.min(Math.max(value, scale.least), scale.most)));
  };
  const showNow = () => {
    const value = read(state.values);
    const share = Math.min(Math.max((value - scale.low) / (scale.high - scale.low), 0), 1) ** (1 / bend);
    if (document.activeElement !== range || Math.abs(share * notches - Number(range.value)) > 1)
      range.value = String(Math.round(share * notches));
    range.style.setProperty("--share", String(Number(range.value) / Number(range.max)));
    range.setAttribute("aria-valuetext", number(value, scale.digits));
    field.value = String(Number(value.toFixed(scale.digits)));
  };
  follow(["values"], showNow);
  showNow();
  return row;
}

/** Return a slider for a setting of the engine. @param {string} name @param {string} [help] other than in GIMP */
export function numberOf(name, help) {
  const control = known(name);
  const [low, high] = control.slider;
  const whole = control.kind === "integer";
  const off = control.optional;
  const scale = {
    low,
    high,
    least: off ? 0 : control.min,
    most: control.max,
    gamma: control.gamma,
    step: whole ? control.step : Math.min(control.step, (high - low) / NOTCHES),
    digits: whole ? 0 : Math.max(control.digits, 2),
  };
  return slider(
    labelOf(control),
    help ?? _(control.help),
    scale,
    (values) => values[name] ?? 0,
    (value) => ({ [name]: off && !value ? null : Math.max(whole ? Math.round(value) : value, control.min) }),
  );
}

/** Return a switch for a setting. @param {string} name */
export function switchOf(name) {
  const control = known(name);
  const id = `c${++made}`;
  const box = make("input", { type: "checkbox", id, onchange: () => set({ [name]: box.checked }) });
  const row = make(
    "div",
    { className: "control switch" },
    box,
    make("label", { htmlFor: id }, labelOf(control)),
  );
  describe(row, box, _(control.help));
  const showNow = () => (box.checked = Boolean(state.values[name]));
  follow(["values"], showNow);
  showNow();
  return row;
}

/** @param {HTMLElement} row @param {HTMLElement} input @param {string} help */
function describe(row, input, help) {
  if (!help) return;
  const text = make("p", { className: "help", id: `${input.id}-help` }, help);
  input.setAttribute("aria-describedby", text.id);
  row.append(text);
}

/**
 * Grey a control while it has no effect, and say why.
 * @param {HTMLElement} row @param {() => string} reason  returns why, or ""
 */
export function idle(row, reason) {
  const why = make("p", { className: "help why" });
  row.append(why);
  const showNow = () => {
    const text = reason();
    row.classList.toggle("idle", Boolean(text));
    for (const input of row.querySelectorAll("input")) input.disabled = Boolean(text);
    why.textContent = text && _(text);
    why.hidden = !text;
  };
  follow(["values"], showNow);
  showNow();
  return row;
}

/** Return controls under a heading. @param {string} head @param {...HTMLElement} rows */
export const section = (head, ...rows) =>
  make("section", { className: "section" }, make("h2", {}, head), ...rows);
