// @ts-check
/** The page on where a dream grows, and what it is steered towards: the mask and the guide picture. */

import { remove, upload } from "./api.js";
import { forget, paint } from "./brush.js";
import { numberOf, section, switchOf } from "./controls.js";
import { $, button, make, show } from "./dom.js";
import { caught } from "./notes.js";
import { preview } from "./opening.js";
import { change, follow, state } from "./store.js";
import { _ } from "./texts.js";

/** Fill the page. */
export function showWhere() {
  $("page-where").append(maskSection(), guideSection());
}

function maskSection() {
  const start = button("", paint, { id: "paint" });
  const drop = button(_("Remove the mask"), () => (forget(), start.focus()), { id: "forget-mask" });
  const feather = numberOf(
    "feather",
    _("Softens the mask's edge: the dream fades in over so many pixels inside it."),
  );
  follow(["masks", "picture", "painting"], () => {
    const masked = Boolean(state.masks[state.picture ?? ""]);
    start.textContent = masked ? _("Go on painting") : _("Paint a mask");
    show(masked, drop, feather);
  });
  return section(
    _("Where to dream"),
    make(
      "p",
      { className: "help" },
      _("Paint over what should dream. The forms fit their surroundings, and the rest stays as it is."),
    ),
    make("div", { className: "row" }, start, drop),
    feather,
  );
}

function guideSection() {
  const file = $("guide-file", HTMLInputElement);
  const image = make("img", { className: "guide", alt: _("The guide picture") });
  const select = button(_("Choose a guide picture…"), () => file.click(), { id: "choose-guide" });
  const drop = button(_("Remove the guide"), () => (guide(null), select.focus()), { id: "forget-guide" });
  const places = switchOf("guide_places");
  file.onchange = caught(async () => {
    const [chosen] = file.files ?? [];
    if (chosen) guide(await upload(chosen, chosen.name, "guide"));
    file.value = "";
  });
  follow(["guide"], () => {
    if (state.guide) image.src = preview(state.guide.id, 320);
    show(Boolean(state.guide), image, drop, places);
  });
  return section(
    _("Guide picture"),
    make(
      "p",
      { className: "help" },
      _(
        "A picture that the dream is steered towards: what it shows more of than yours grows. Whole layers of the network follow it best; a few channels have little to choose from",
      ),
    ),
    image,
    make("div", { className: "row" }, select, drop),
    places,
  );
}

/** Take another guide, or none; the one before goes, unless a dream was made with it. @param {import("./api.js").Picture | null} picture */
function guide(picture) {
  const before = state.guide;
  change({ guide: picture });
  if (before) void remove(`pictures/${before.id}`).catch(() => {});
}
