// @ts-check
/** The mask: where the dream grows, painted on the picture with a brush, by pointer or by keys. */

import { $, button, make, show } from "./dom.js";
import { tell } from "./notes.js";
import { change, current, follow, state } from "./store.js";
import { _ } from "./texts.js";

/** Longest side of a mask, in pixels: the engine fits it to the picture, and softens its edge. */
const LONGEST = 1024;
/** Diameter of the brush, in shares of the picture's longer side. */
const SIZES = { least: 0.02, usual: 0.12, most: 0.4 };

const brush = { size: SIZES.usual, erases: false, down: false, x: 0.5, y: 0.5 };
/** What moves the brush, in shares of its diameter. @type {Record<string, [number, number]>} */
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @returns {HTMLCanvasElement} */
const canvas = () => $("brush", HTMLCanvasElement);

/** Make the mask paintable whenever it is wanted. */
export function listenToBrush() {
  const area = canvas();
  area.setAttribute("role", "application");
  area.setAttribute(
    "aria-label",
    _(
      "Mask. Arrow keys move the brush, Space paints, Enter keeps painting, plus and minus change the size, X erases, Escape ends.",
    ),
  );
  const ring = make("div", { className: "ring", id: "ring", hidden: true });
  area.after(ring);
  area.onpointerdown = (event) => {
    area.setPointerCapture(event.pointerId);
    brush.down = true;
    moveTo(event, false);
  };
  area.onpointermove = (event) => moveTo(event, true);
  area.onpointerup = area.onpointercancel = lift;
  area.onkeydown = keyDown;
  area.onkeyup = ({ key }) => key === " " && lift();
  toolbar();
  follow(["painting", "picture", "masks", "shown"], draw);
}

function toolbar() {
  const size = make("input", {
    type: "range",
    id: "brush-size",
    min: "2",
    max: "40",
    value: String(SIZES.usual * 100),
  });
  size.oninput = () => resize(Number(size.value) / 100);
  const erase = button(_("Erase"), () => erasing(!brush.erases), { id: "erase", "aria-pressed": "false" });
  $("brushes").append(
    make("label", { htmlFor: size.id }, _("Brush")),
    size,
    erase,
    button(_("Invert"), invert),
    button(_("Clear"), clear),
    button(_("Done"), done, { className: "main", id: "mask-done" }),
  );
}

/** @param {boolean} erases */
function erasing(erases) {
  brush.erases = erases;
  $("erase").setAttribute("aria-pressed", String(erases));
}

/** @param {number} size */
function resize(size) {
  brush.size = Math.min(Math.max(size, SIZES.least), SIZES.most);
  $("brush-size", HTMLInputElement).value = String(brush.size * 100);
  ringAt();
}

/** Return the mask that is painted on the picture; make an empty one where there is none. */
function mask() {
  const picture = current();
  if (!picture) throw new Error("no picture");
  const found = state.masks[picture.id];
  if (found) return found;
  const scale = LONGEST / Math.max(picture.width, picture.height);
  const [width, height] = [picture.width, picture.height].map((side) =>
    Math.max(Math.round(side * Math.min(scale, 1)), 1),
  );
  return (state.masks[picture.id] = make("canvas", { width, height }));
}

/** @param {CanvasImageSource} source */
const pen = (source) =>
  /** @type {CanvasRenderingContext2D} */ (/** @type {HTMLCanvasElement} */ (source).getContext("2d"));

/** Show the mask, and its tools, while it is painted; afterwards where it lies. */
function draw() {
  const here = Boolean(current() && !state.shown && (state.painting || state.masks[state.picture ?? ""]));
  show(here, canvas());
  show(state.painting, $("brushes"), $("ring"));
  canvas().classList.toggle("painting", state.painting);
  canvas().tabIndex = state.painting ? 0 : -1;
  if (here) copy();
  if (state.painting) ringAt();
}

function copy() {
  const [area, painted] = [canvas(), mask()];
  if (area.width !== painted.width || area.height !== painted.height)
    Object.assign(area, { width: painted.width, height: painted.height });
  pen(area).clearRect(0, 0, area.width, area.height);
  pen(area).drawImage(painted, 0, 0);
}

/** @param {PointerEvent} event @param {boolean} line */
function moveTo(event, line) {
  const box = canvas().getBoundingClientRect();
  go((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, line);
}

/** Move the brush; paint if it is down. @param {number} x  in shares of the picture @param {number} y @param {boolean} line from where it was */
function go(x, y, line) {
  const from = line ? [brush.x, brush.y] : [x, y];
  [brush.x, brush.y] = [x, y].map((place) => Math.min(Math.max(place, 0), 1));
  ringAt();
  if (brush.down) stroke(from[0], from[1]);
}

/** @param {number} x @param {number} y  where the stroke begins */
function stroke(x, y) {
  const painted = mask();
  const context = pen(painted);
  context.globalCompositeOperation = brush.erases ? "destination-out" : "source-over";
  Object.assign(context, { lineCap: "round", lineWidth: diameter(), strokeStyle: "#2fd8c0" });
  context.beginPath();
  context.moveTo(x * painted.width, y * painted.height);
  context.lineTo(brush.x * painted.width, brush.y * painted.height + 0.01);
  context.stroke();
  copy();
}

/** End a stroke, so that the mask is kept as it is now. */
function lift() {
  brush.down = false;
  change({ masks: { ...state.masks } });
}

const diameter = () => brush.size * Math.max(mask().width, mask().height);

function ringAt() {
  if (!state.painting) return;
  const style = $("ring").style;
  style.setProperty("--x", `${brush.x * 100}%`);
  style.setProperty("--y", `${brush.y * 100}%`);
  style.setProperty("--size", `${(diameter() / mask().width) * 100}%`);
}

/** @param {KeyboardEvent} event */
function keyDown(event) {
  const move = MOVES[event.key];
  if (move) {
    const far = (event.shiftKey ? 0.125 : 0.5) * diameter();
    go(brush.x + (move[0] * far) / mask().width, brush.y + (move[1] * far) / mask().height, true);
  } else if (event.key === " ") {
    brush.down = true;
    go(brush.x, brush.y, false);
  } else if (event.key === "Enter") {
    if (brush.down) lift();
    else brush.down = true;
    go(brush.x, brush.y, false);
    tell(brush.down ? _("The brush is down.") : _("The brush is up."));
  } else if (event.key === "+" || event.key === "-") resize(brush.size * (event.key === "+" ? 1.25 : 0.8));
  else if (event.key.toLowerCase() === "x") erasing(!brush.erases);
  else if (event.key === "Escape") done();
  else return;
  event.preventDefault();
}

function invert() {
  const painted = mask();
  const context = pen(painted);
  context.globalCompositeOperation = "xor";
  context.fillStyle = "#2fd8c0";
  context.fillRect(0, 0, painted.width, painted.height);
  lift();
}

function clear() {
  pen(mask()).clearRect(0, 0, mask().width, mask().height);
  lift();
}

/** Paint the mask of the picture on the stage. */
export function paint() {
  mask();
  Object.assign(brush, { down: false, x: 0.5, y: 0.5 });
  change({ painting: true, shown: null });
  canvas().focus();
}

function done() {
  lift();
  change({ painting: false });
  $("paint").focus();
}

/** Take the mask of the picture on the stage away. */
export function forget() {
  const { [state.picture ?? ""]: _gone, ...masks } = state.masks;
  change({ masks, painting: false });
}

/** Return a picture's mask as a file, white where the dream grows; null where it has none. @param {string} picture @returns {Promise<Blob | null>} */
export async function maskOf(picture) {
  const painted = state.masks[picture];
  if (!painted) return null;
  const flat = make("canvas", { width: painted.width, height: painted.height });
  const white = make("canvas", { width: painted.width, height: painted.height });
  pen(white).fillStyle = "#fff";
  pen(white).drawImage(painted, 0, 0);
  pen(white).globalCompositeOperation = "source-in";
  pen(white).fillRect(0, 0, white.width, white.height);
  pen(flat).fillStyle = "#000";
  pen(flat).fillRect(0, 0, flat.width, flat.height);
  pen(flat).drawImage(white, 0, 0);
  const data = pen(flat).getImageData(0, 0, flat.width, flat.height).data;
  if (!data.some((value, at) => at % 4 === 0 && value)) return null;
  return new Promise((done) => flat.toBlob(done, "image/png"));
}
