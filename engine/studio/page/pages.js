// @ts-check
/** What stands on the panel's pages: a painter's three sliders, and all details. */

import { idle, known, numberOf, section, slider, switchOf } from "./controls.js";
import { $, button, make, show } from "./dom.js";
import { sentences } from "./notes.js";
import { forms, fromForms, layersOf, layersText, mainLayers, set } from "./settings.js";
import { follow, state } from "./store.js";
import { _, N_ } from "./texts.js";
import { LAYER_HELP } from "./words.js";
import { title } from "./tiles.js";

const FORMS_HELP = N_(
  "How large the forms become in the picture, from many small ones to a few that fill it. This sets the smallest size among the details or, while that is 0, the number of octaves",
);
const SIZE_DECIDES = N_(
  "The smallest size decides how many octaves there are. While it is 0, you can choose.",
);
const ONE_OCTAVE = N_("There is only one octave.");
const LIGHTNESS_ONLY = N_("Only lightness is dreamed on, so colours stay as they are.");
/** Settings that stand elsewhere than under fine tuning. */
const ELSEWHERE = [
  "step_size",
  "blend",
  "natural_colours",
  "keep_colours",
  "feather",
  "guide_places",
  "seed",
];
const LAYER_SCALE = { low: 0, high: 5, step: 0.05, digits: 2, least: -1000, most: 1000 };
const LARGEST_SEED = 2 ** 32 - 1;

/** Fill the pages. */
export function showPages() {
  const strength = known("step_size");
  const [low, high] = strength.slider;
  $("sliders").append(
    slider(
      _("Strength"),
      _(strength.help),
      {
        low: low * 1000,
        high: high * 1000,
        step: 0.5,
        digits: 2,
        least: strength.min * 1000,
        most: strength.max * 1000,
        gamma: strength.gamma,
      },
      (values) => values.step_size * 1000,
      (value) => ({ step_size: value / 1000 }),
    ),
    slider(
      _("Size of the forms"),
      _(FORMS_HELP),
      { low: 0, high: 100, step: 1, digits: 0, least: 0, most: 100 },
      (values) => forms(values) * 100,
      (value) => fromForms(value / 100, state.values),
    ),
    slider(
      _("Amount (%)"),
      _(known("blend").help),
      { low: 0, high: 100, step: 1, digits: 0, least: 0, most: 100 },
      (values) => values.blend * 100,
      (value) => ({ blend: value / 100 }),
    ),
  );
  $("page-details").append(colours(), layers(), seed(), fine());
}

function colours() {
  const natural = idle(numberOf("natural_colours"), () => (state.values.keep_colours ? LIGHTNESS_ONLY : ""));
  return section(_("Colours"), natural, switchOf("keep_colours"));
}

function layers() {
  const sliders = mainLayers().map(({ name }) =>
    slider(
      title(name),
      _(LAYER_HELP[name] ?? ""),
      LAYER_SCALE,
      (values) => values.layers[name] ?? 0,
      (value) => ({ layers: withLayer(name, value) }),
    ),
  );
  return section(_("Layers, from fine lines to whole objects"), ...sliders, layersField());
}

/** @param {string} name @param {number} value */
function withLayer(name, value) {
  const { [name]: _old, ...others } = state.values.layers;
  return value ? { ...others, [name]: value } : others;
}

/** The field for layers and channels as text; what is wrong with it is told below it. */
function layersField() {
  const field = make("input", { type: "text", id: "layers-text", spellcheck: false, autocomplete: "off" });
  const wrong = make("p", { id: "layers-wrong", className: "wrong", hidden: true, role: "alert" });
  field.setAttribute("aria-describedby", "layers-wrong layers-help");
  field.oninput = () => {
    try {
      const found = layersOf(field.value);
      if (Object.keys(found).length) set({ layers: found });
      wrong.textContent = "";
    } catch (error) {
      wrong.textContent = sentences(error)[0];
    }
    show(Boolean(wrong.textContent), wrong);
    field.setAttribute("aria-invalid", String(Boolean(wrong.textContent)));
  };
  const showNow = () => {
    if (document.activeElement !== field) field.value = layersText(state.values.layers ?? {});
  };
  follow(["values"], showNow);
  showNow();
  const help = make(
    "p",
    { id: "layers-help", className: "help" },
    _(
      "Single motifs grow besides the layers' forms, such as one kind of eye: channels of layers with their strengths, such as mixed4:12+40=0.5,mixed3:87=1",
    ),
  );
  return make(
    "div",
    { className: "control text" },
    make("label", { htmlFor: field.id }, _("Layers and channels")),
    field,
    wrong,
    help,
  );
}

function seed() {
  const field = make("input", { type: "number", id: "seed", min: "0", max: String(LARGEST_SEED), step: "1" });
  field.onchange = () =>
    set({ seed: Math.min(Math.max(Math.round(Number(field.value)) || 0, 0), LARGEST_SEED) });
  const showNow = () => (field.value = String(state.values.seed ?? 0));
  follow(["values"], showNow);
  showNow();
  const help = make("p", { className: "help", id: "seed-help" }, _(known("seed").help));
  field.setAttribute("aria-describedby", help.id);
  const another = button(_("Another"), () => set({ seed: 1 + Math.floor(Math.random() * 9999) }));
  return section(
    _("Chance"),
    make(
      "div",
      { className: "control text" },
      make("label", { htmlFor: field.id }, _("Seed")),
      make("div", { className: "row" }, field, another),
      help,
    ),
  );
}

function fine() {
  const reasons = /** @type {Record<string, () => string>} */ ({
    octaves: () => (state.values.min_size ? SIZE_DECIDES : ""),
    octave_scale: () => (!state.values.min_size && state.values.octaves === 1 ? ONE_OCTAVE : ""),
  });
  const rows = state.studio.controls
    .filter((x) => !ELSEWHERE.includes(x.name))
    .map((x) => {
      const row = x.kind === "switch" ? switchOf(x.name) : numberOf(x.name);
      return reasons[x.name] ? idle(row, reasons[x.name]) : row;
    });
  return section(_("Fine tuning"), ...rows);
}
